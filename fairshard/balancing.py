"""Balancing a table: its rows are counted, solved and weighted exactly as those of shards are."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairshard.balanced import BalancedTable, Certificate, TablePlan, Workings
from fairshard.rows import TableRows, rows_of
from transforms.base.errors import ConfigError
from transforms.config.balance import Kind, ShareBound
from transforms.config.files import validated
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.rates import balance_as_asked
from transforms.m4.balance import Balanced
from transforms.m4.targets import targets_of
from transforms.plan.passes import distinct_flags, row_weights
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.measures import measure

_ROUNDING = 1e-3
_SIGNS: dict[str, Literal[1, -1]] = {"at_least": -1, "at_most": 1}


def balance(
    table: Any,
    *,
    attributes: Mapping[str, float | Mapping[str, float]],
    labels: Sequence[str] = (),
    rate: float | Literal["auto"],
    max_representation_bias: float | None = 0.01,
    max_association_bias: float | None = 0.05,
    max_label_skew: float | None = None,
    overrides: Sequence[Mapping[str, Any]] = (),
    shares: Mapping[str, Mapping[str, float]] | None = None,
    priority: Sequence[Kind] = (),
    Q: float = 1.0,
    V: float | Literal["auto"] | Mapping[Kind, float | Literal["auto"]] = "auto",
    utility: str | None = None,
) -> BalancedTable:
    """Weights for the rows of a table under which its bias is what is asked for.

    Args:
        table: An Arrow table, a pandas or polars frame, or whatever else has the Arrow PyCapsule
            interface (``__arrow_c_stream__`` or ``__arrow_c_array__``); it is read once, batch by
            batch. Attributes and labels are columns of booleans, or of 0 and 1, without nulls.
        attributes: The sensitive attributes by column, each with the share wanted of it: of all
            rows (``{"woman": 0.5}``), or of the rows that carry any of a group
            (``{"gender": {"woman": 0.5, "man": 0.5}}``, which add up to 1).
        labels: The columns whose association with the attributes is bounded.
        rate: The mean weight (eta in the paper): 0.7 keeps 70 % of the rows. ``"auto"`` is the
            largest at which everything asked for is attainable.
        max_representation_bias: How far the share of an attribute may be from the one wanted.
        max_association_bias: By how much more, or less, common a label may be with an attribute
            than without it.
        max_label_skew: How far the share of an attribute may be from the one wanted among the rows
            with a label. None, of any bound: not asked for.
        overrides: Other bounds for some columns, as in a configuration:
            ``{"attributes": ["woman"], "labels": ["nurse"], "max_association_bias": 0.02}``.
        shares: Bounds on the shares of some columns of all kept rows:
            ``{"nurse": {"at_least": 0.02, "at_most": 0.2}}``; of a column in a group, of its rows.
        priority: What comes first where not all can be met: ``["representation", "share"]``.
        Q: The largest weight. 1 only drops rows; above it, rows may be repeated.
        V: The largest price of a constraint, or of each kind; ``"auto"`` is as high as it takes to
            miss as little as there is to miss.
        utility: The column with how much each row is worth keeping, from 0 up and 1 in the mean;
            without it, all are worth the same.

    Returns:
        The ``weights``, the ``plan`` and its ``certificate``. What cannot be met is said in it;
            ``conflict()`` says why, and what would do instead.

    Raises:
        ConfigError: What is asked for is no such thing, or names no column of the table.
        FairshardError: The table cannot be used, or ``"auto"`` finds no rate.

    Example:
        >>> import pyarrow as pa
        >>> nurses = [True] * 40 + [False] * 60 + [True] * 30 + [False] * 370
        >>> table = pa.table({"woman": [True] * 100 + [False] * 400, "nurse": nurses})
        >>> balanced = balance(table, attributes={"woman": 0.4}, labels=["nurse"], rate=0.4)
        >>> balanced
        500 rows of 4 patterns, weighted at the rate 0.4
        representation bias  0.2000 before, 0.0100 after (woman); asked for <= 0.0100: met ...
        association bias     0.3250 before, 0.0500 after (woman ...; asked for <= 0.0500: met ...
        certificate: relative gap 9.0e-11, worst violation 0.0e+00
        >>> balanced.weights[[0, 40, 100, 130]].round(3)
        array([0.45 , 1.   , 0.735, 0.27 ])
        >>> list(balanced.plan.prices())
        ['association of woman with nurse, from above', 'share of woman, from below']
        >>> kept = table.filter(pa.array(balanced.copies(seed=0) > 0))
        >>> kept.num_rows
        199
    """
    wanted = _attributes(attributes)
    names = [attribute.name for attribute in wanted]
    columns = [*names, *_labels(labels)]
    asked = _asked(
        eta=rate,
        Q=Q,
        V=dict(V) if isinstance(V, Mapping) else V,
        max_representation_bias=max_representation_bias,
        max_association_bias=max_association_bias,
        max_label_skew=max_label_skew,
        overrides=list(overrides),
        priority=list(priority),
    ).with_shares(_shares(shares or {}, wanted, columns[len(names) :]))
    _check_columns(columns if utility is None else [*columns, utility])
    targets_of(wanted, tuple(columns[len(names) :]), asked)
    rows = rows_of(table, columns, utility)
    histogram = _counted(rows, tuple(names), tuple(columns[len(names) :]))
    balanced, largest = balance_as_asked(histogram, wanted, asked)
    plan = _plan(histogram, balanced, largest.upper if largest else None, asked)
    workings = Workings(rows, histogram, asked, balanced)
    return BalancedTable(_weights(rows, balanced), plan, _certificate(balanced), workings)


def _check_columns(names: Sequence[str]) -> None:
    for name, times in Counter(names).items():
        if not isinstance(name, str):
            raise ConfigError(f"columns are named by text, and {name!r} is none: rename it")
        if times > 1:
            raise ConfigError(f"the column {name!r} is named {times} times: name each once")


def _attributes(targets: Mapping[str, float | Mapping[str, float]]) -> tuple[Attribute, ...]:
    if not isinstance(targets, Mapping) or not targets:
        raise ConfigError("attributes: give columns and the shares wanted of them, {'woman': 0.5}")
    return tuple(attribute for given in targets.items() for attribute in _members(*given))


def _members(name: str, target: float | Mapping[str, float]) -> Iterator[Attribute]:
    if not isinstance(target, Mapping):
        yield Attribute(name, name, _share(name, target), "all")
        return
    shares = {member: _share(f"{name}.{member}", share) for member, share in target.items()}
    if abs(sum(shares.values()) - 1) > _ROUNDING:
        raise ConfigError(
            f"attributes.{name}: targets are shares of the rows that carry any of the group: they "
            f"must add up to 1, not to {sum(shares.values()):g}"
        )
    for member, share in shares.items():
        yield Attribute(member, name, share, "group")


def _share(key: str, share: Any, of: str = "attributes") -> float:
    if isinstance(share, bool) or not isinstance(share, Real) or not 0 < float(share) < 1:
        what = "a target" if of == "attributes" else "a bound"
        raise ConfigError(f"{of}.{key}: {what} is a share between 0 and 1, not {share!r}")
    return float(share)


def _shares(
    shares: Mapping[str, Mapping[str, float]],
    attributes: Sequence[Attribute],
    labels: Sequence[str],
) -> Iterator[ShareBound]:
    names = [attribute.name for attribute in attributes]
    for name, bounds in shares.items():
        if name not in (*names, *labels):
            raise ConfigError(f"shares: {name!r} is no attribute and no label: name it as one")
        attribute, label = (name, None) if name in names else (None, name)
        for key, bound in bounds.items():
            if key not in _SIGNS:
                raise ConfigError(f"shares.{name}: give at_least or at_most, not {key!r}")
            yield ShareBound(
                attribute, label, _SIGNS[key], _share(f"{name}.{key}", bound, "shares")
            )


def _labels(labels: Sequence[str]) -> list[str]:
    return [labels] if isinstance(labels, str) else list(labels)


def _asked(**values: Any) -> Balance:
    try:
        return validated(Balance, values, "what balance is asked for")
    except ConfigError as error:
        raise ConfigError(re.sub(r"\beta\b", "rate", str(error))) from error


def _counted(rows: TableRows, attributes: tuple[str, ...], labels: tuple[str, ...]) -> Histogram:
    counted = HistogramAccumulator(attributes, labels)
    for part in rows.parts():
        counted.add_packed(part.flags, part.utility)
    return counted.extract()


def _weights(rows: TableRows, balanced: Balanced) -> NDArray[np.float64]:
    terms, duals = balanced.problem.terms, balanced.solution.duals
    found = []
    for part in rows.parts():
        patterns, row = distinct_flags(part.flags, terms)
        found.append(row_weights(part.utility, row, patterns, terms, duals))
    return np.concatenate(found)


def _plan(
    histogram: Histogram, balanced: Balanced, upper: float | None, asked: Balance
) -> TablePlan:
    terms, solution = balanced.problem.terms, balanced.solution
    return TablePlan(
        terms.attributes,
        terms.labels,
        terms.eta,
        upper,
        solution.duals.mu,
        solution.constraints,
        measure(histogram, terms.attributes),
        balanced.measures,
        targets_of(terms.attributes, terms.labels, asked),
        len(histogram),
        terms.shares,
    )


def _certificate(balanced: Balanced) -> Certificate:
    solution = balanced.solution
    return Certificate(
        solution.primal,
        solution.dual,
        solution.gap,
        solution.violation,
        solution.rate,
        balanced.least_excess,
        solution.missed,
    )
