"""Small tables on which an expectation of rows holds just where it holds of all the rows.

The least and the greatest value of a column stand for its values; its mean alone stands for its
mean, its sum for its sum: the same expectation, word for word, has the same verdict.
"""

import math
from dataclasses import replace

import pandas as pd

from transforms.base.errors import ConfigError
from transforms.gates.expectations import Expectation, Table
from transforms.gates.metrics import UNIT, ColumnCounts, LabelMetrics

ROWS = "rows"
_STANDING_FOR = {
    "expect_column_to_exist": "extremes",
    "expect_column_values_to_be_between": "extremes",
    "expect_column_values_to_not_be_null": "extremes",
    "expect_column_min_to_be_between": "extremes",
    "expect_column_max_to_be_between": "extremes",
    "expect_column_mean_to_be_between": "means",
    "expect_column_sum_to_be_between": "sums",
}
_OF_ROWS = frozenset(("column", "min_value", "max_value", "strict_min", "strict_max"))


def stand_ins(metrics: LabelMetrics) -> dict[str, Table]:
    """The tables `extremes`, `means` and `sums`, with the columns of the label tables."""
    columns = metrics.columns
    return {
        "extremes": Table(pd.DataFrame({name: _ends(c) for name, c in columns.items()})),
        "means": Table(pd.DataFrame({name: [c.mean] for name, c in columns.items()})),
        "sums": Table(pd.DataFrame({name: [c.total * UNIT] for name, c in columns.items()})),
    }


def on_metrics(given: Expectation) -> Expectation:
    """An expectation of rows as one of the table that stands for them; others as they are.

    Raises ConfigError where none does.
    """
    if given.table != ROWS:
        return given
    if given.type not in _STANDING_FOR or given.kwargs.keys() - _OF_ROWS:
        more = sorted(given.kwargs.keys() - _OF_ROWS)
        raise ConfigError(
            f"gates.expectations: {given.type}{f' with {more[0]}' if more else ''} needs the rows "
            "of label tables, and the beam engine evaluates metrics of them: use --engine spark, "
            f"or one of {', '.join(_STANDING_FOR)}"
        )
    return replace(given, table=_STANDING_FOR[given.type])


def _ends(counts: ColumnCounts) -> list[float | None]:
    """The least value, the greatest, null if there is one, infinity if any is not finite."""
    if counts.nulls == counts.rows:
        return [None] * 4
    known = math.isfinite(counts.least)
    least, greatest = (counts.least, counts.greatest) if known else (0.0, 0.0)
    return [
        least,
        greatest,
        None if counts.nulls else least,
        math.inf if counts.not_finite else least,
    ]
