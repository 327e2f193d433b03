"""The user's own expectations: a YAML or JSON file, read without running anything in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import fsspec
from pydantic import BaseModel, ConfigDict, ValidationError

from transforms.base.errors import ConfigError, reason_of
from transforms.config.yaml_text import text_in, values_in
from transforms.gates.evaluating import expectation_types
from transforms.gates.expectations import Expectation, Severity, Stage

_BANNED = frozenset(("row_condition", "condition_parser", "meta", "result_format", "batch_id"))
_COLUMNS = ("column", "column_A", "column_B", "column_list")


class _Entry(BaseModel):
    """One entry of the file; every other key is an argument of the expectation."""

    model_config = ConfigDict(extra="allow", frozen=True)

    stage: Stage
    type: str
    table: str = ""
    severity: Severity = "critical"
    says: str = ""


def read_own(url: str, stage: Stage) -> list[Expectation]:
    """The expectations of `stage` in the file at `url`; their table is '' where not given.

    Raises ConfigError where the file cannot be read, or an entry of it (of any stage) is wrong.
    """
    content = own_content(url)
    origin = f"gates.expectations: {url}"
    entries = values_in(text_in(content, origin), origin)
    if not isinstance(entries, list):
        raise ConfigError(
            f"gates.expectations: {url} should be a list of expectations, each with stage, type "
            "and the type's arguments"
        )
    return [
        given
        for number, entry in enumerate(entries, 1)
        for of, given in [_expectation(entry, f"gates.expectations: entry {number} of {url}")]
        if of == stage
    ]


def own_content(url: str) -> bytes:
    """The bytes of the file at `url`; ConfigError where there is none."""
    try:
        with fsspec.open(url, "rb") as stream:
            return bytes(stream.read())
    except FileNotFoundError as error:
        raise ConfigError(f"the file {url} does not exist: correct gates.expectations") from error
    except Exception as error:  # storage libraries raise exceptions of their own
        raise ConfigError(
            f"the file {url} of gates.expectations cannot be read: {reason_of(error)}"
        ) from error


def placed(
    own: Sequence[Expectation], columns: Mapping[str, Sequence[str]], usual: str
) -> list[Expectation]:
    """Each expectation of the table that has its columns (`usual`, where it names none).

    `columns` are those of each table. Raises ConfigError where no table has them.
    """
    return [_placed(given, columns, usual) for given in own]


def _placed(given: Expectation, columns: Mapping[str, Sequence[str]], usual: str) -> Expectation:
    named = _named_columns(given.kwargs)
    among = {given.table: columns.get(given.table, ())} if given.table else columns
    if given.table and given.table not in columns:
        raise ConfigError(
            f"gates.expectations: {given.type} is of an unknown table {given.table!r}; there are "
            f"{', '.join(columns)}"
        )
    fitting = [table for table, names in among.items() if set(named) <= set(names)]
    if not fitting:
        known = sorted({name for names in among.values() for name in names})
        raise ConfigError(
            f"gates.expectations: {given.type} is of an unknown column {', '.join(named)}; there "
            f"are {', '.join(known)}"
        )
    table = fitting[0] if named or given.table else usual
    return Expectation(table, given.type, given.kwargs, given.severity, given.says)


def _expectation(entry: object, where: str) -> tuple[Stage, Expectation]:
    try:
        given = _Entry.model_validate(entry)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "it"
        raise ConfigError(f"{where} is wrong: {key}: {problem['msg']}") from error
    if given.type not in expectation_types():
        raise ConfigError(
            f"{where} is of an unknown type {given.type!r}: see the gallery of Great Expectations "
            "for those that there are (none that takes a query)"
        )
    kwargs = dict(given.model_extra or {})
    for key, value in kwargs.items():
        if key in _BANNED or not _is_plain(value):
            raise ConfigError(
                f"{where} gives {key!r}, which is not taken: arguments are numbers, text, and "
                "lists of them"
            )
    said = ", ".join(f"{key} = {value}" for key, value in kwargs.items())
    says = given.says or f"{given.type.replace('_', ' ')} ({said})"
    return given.stage, Expectation(given.table, given.type, kwargs, given.severity, says)


def _is_plain(value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return all(isinstance(part, bool | int | float | str) or part is None for part in parts)


def _named_columns(kwargs: Mapping[str, Any]) -> list[str]:
    found = [kwargs[key] for key in _COLUMNS if key in kwargs]
    return [name for one in found for name in (one if isinstance(one, list) else [one])]
