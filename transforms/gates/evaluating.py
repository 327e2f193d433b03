"""Expectations evaluated by Great Expectations, without telemetry, network or progress bars."""

import logging
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from transforms.base.errors import ConfigError, error_in
from transforms.base.local_paths import let_libraries_have_a_home
from transforms.gates.expectations import Expectation, Stage, Table
from transforms.gates.pages import table_page
from transforms.gates.rendering import rendered_sections
from transforms.gates.results import GateResult, Outcome

_SHOWN = 5
_PLACE = "fairshard"
_CONNECT = "pyspark.sql.connect"  # ends the process where it finds no main module and no grpc


def evaluate(
    stage: Stage, tables: Mapping[str, Table], expectations: Sequence[Expectation]
) -> GateResult:
    """Evaluate the expectations of a gate, each table's where its data frame is.

    Raises ConfigError where an expectation cannot be evaluated at all.
    """
    context = _context()
    found: dict[int, Outcome] = {}
    pages: dict[str, str] = {}
    for name, table in tables.items():
        mine = {at: given for at, given in enumerate(expectations) if given.table == name}
        if mine:
            validated = _validated(context, f"{stage}-{name}", table, mine)
            for result in validated.results:
                at = _place(result)
                found[at] = _outcome(mine[at], table, result)
            pages[name] = table_page(f"{stage}: {name}", rendered_sections(validated))
    return GateResult(stage, tuple(found[at] for at in sorted(found)), pages)


def expectation_types() -> frozenset[str]:
    """The types of expectations that there are, without those that carry code to be run."""
    _library()
    from great_expectations.expectations.registry import (
        list_registered_expectation_implementations,
    )

    known = list_registered_expectation_implementations()
    return frozenset(
        name for name in known if name.startswith("expect_") and "query" not in name
    ) - {"expect_table_row_count_to_equal_other_table"}


def _library() -> Any:
    """Great Expectations, told to be silent: towards its makers before it is imported."""
    let_libraries_have_a_home()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _without(_CONNECT):
        import great_expectations
        import great_expectations.expectations.core

    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return great_expectations


@contextmanager
def _without(module: str) -> Iterator[None]:
    """As if `module` were not installed, unless it is loaded."""
    loaded = module in sys.modules
    sys.modules.setdefault(module, None)  # type: ignore[arg-type]
    try:
        yield
    finally:
        if not loaded:
            del sys.modules[module]


def _context() -> Any:
    context = _library().get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = {"globally": False}
    return context


def _validated(
    context: Any, name: str, table: Table, expectations: Mapping[int, Expectation]
) -> Any:
    """The results of all; on Spark, where every detail is a job, details of what failed alone."""
    spark = type(table.frame).__module__.startswith("pyspark.")
    sources = context.data_sources
    source = sources.add_spark(name, persist=False) if spark else sources.add_pandas(name)
    batches = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
    batch = batches.get_batch({"dataframe": table.frame})
    detailed: dict[str, Any] = {"result_format": "SUMMARY"}
    if table.naming:
        detailed["unexpected_index_column_names"] = list(table.naming)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not spark:
            return batch.validate(_suite(name, table, expectations), result_format=detailed)
        verdicts = batch.validate(
            _suite(name, table, expectations), result_format={"result_format": "BOOLEAN_ONLY"}
        )
        failed = {_place(result) for result in verdicts.results if not result.success}
        if failed:
            again = _suite(name, table, {at: expectations[at] for at in failed})
            details = batch.validate(again, result_format=detailed)
            passed = [result for result in verdicts.results if result.success]
            verdicts.results = [*passed, *details.results]
        return verdicts


def _suite(name: str, table: Table, expectations: Mapping[int, Expectation]) -> Any:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity

    suite = ExpectationSuite(name)
    for at, given in expectations.items():
        try:
            suite.add_expectation(
                ExpectationConfiguration(
                    type=given.type,
                    kwargs=_for_frame(given.kwargs, table),
                    meta={_PLACE: at},
                    description=given.says,
                    severity=FailureSeverity(given.severity),
                ).to_domain_obj()
            )
        except Exception as error:
            raise ConfigError(f"{_named(given)} is not right: {_line(error)}") from error
    return suite


def _place(result: Any) -> int:
    return int(result.expectation_config.meta[_PLACE])


def _outcome(given: Expectation, table: Table, result: Any) -> Outcome:
    for raised in _raised(dict(result.exception_info or {})):
        raise error_in(str(raised.get("exception_traceback"))) or ConfigError(
            f"{_named(given)} cannot be evaluated: {raised.get('exception_message')}"
        )
    success, details = bool(result.success), dict(result.result)
    observed = _observed(given, table, details)
    sentence = given.says if success else f"{given.says}, but {_in_words(given, table, details)}"
    return Outcome(
        given.table, given.type, given.kwargs, given.severity, success, observed, sentence
    )


def _observed(given: Expectation, table: Table, details: Mapping[str, Any]) -> Any:
    """The value that was observed, or the unexpected ones with the names of their rows."""
    if "observed_value" in details:
        return _plain(details["observed_value"])
    rows = details.get("partial_unexpected_index_list") or []
    if rows and isinstance(rows[0], Mapping):
        return {
            "unexpected": details["unexpected_count"],
            "first": [{name: _plain(value) for name, value in row.items()} for row in rows[:20]],
        }
    values = [_plain(value) for value in details.get("partial_unexpected_list", [])[:20]]
    return {"unexpected": details.get("unexpected_count", 0), "first": values}


def _in_words(given: Expectation, table: Table, details: Mapping[str, Any]) -> str:
    observed = _observed(given, table, details)
    column = given.kwargs.get("column", "it")
    if not isinstance(observed, dict) or "unexpected" not in observed:
        return f"{column} gives {_shown(observed)}"
    first = observed["first"][:_SHOWN]
    more = observed["unexpected"] - len(first)
    rest = f" and {more:,} more" if more > 0 else ""
    named = bool(first) and isinstance(first[0], dict)
    if given.each and named:
        said = [given.each.format_map({k: _shown(v, 4) for k, v in row.items()}) for row in first]
        return f"{'; '.join(said)}{';' * (more > 0)}{rest}"
    said = [_of_row(row, column, table) if named else _shown(row) for row in first]
    return f"{column} is {', '.join(said)}{rest}"


def _of_row(row: Mapping[str, Any], column: str, table: Table) -> str:
    """A row's value, its name, and how many samples it stands for."""
    value = _shown(row.get((table.renamed or {}).get(column, column)))
    name = [f"{table.index} {row[table.index]}"] if table.index else []
    samples = [f"{_shown(row[table.counted[0]])} samples"] if table.counted else []
    about = ", ".join(name + samples)
    return f"{value} ({about})" if about else value


def _for_frame(kwargs: Mapping[str, Any], table: Table) -> dict[str, Any]:
    """The arguments with columns as the frame calls them."""
    renamed = table.renamed or {}

    def name(value: Any) -> Any:
        if isinstance(value, list):
            return [name(part) for part in value]
        return renamed.get(value, value) if isinstance(value, str) else value

    return {key: name(value) if "column" in key else value for key, value in kwargs.items()}


def _raised(information: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is known of the exceptions that an evaluation ended in."""
    entries = [information] if "raised_exception" in information else information.values()
    return [entry for entry in entries if isinstance(entry, Mapping) and entry["raised_exception"]]


def _named(given: Expectation) -> str:
    return f"the expectation {given.type} of {given.kwargs.get('column', given.table)}"


def _line(said: object) -> str:
    return " ".join(str(said).split())[:300]


def _shown(value: Any, digits: int = 6) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    """A value as JSON holds it."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value)
