"""Utility from a column of a table: one number a sample, from 0 up."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.config.tables import TableColumn


def utility_in(
    values: pa.ListArray, column: TableColumn, scale: NDArray[np.float64]
) -> tuple[NDArray[np.float64], dict[int, str]]:
    """The utility of every sample, `scale` times its number, and why some have none, by row.

    `values` are what label tables hold of the column. Several rows of a sample may say the same.
    """
    where = f"the column {column.name} of the table {column.table}"
    counts = pc.list_value_length(values).to_numpy()
    numbers = pc.struct_field(values.flatten(), "number").to_numpy(zero_copy_only=False)
    row = np.repeat(np.arange(len(values)), counts)
    least, most = np.full(len(values), np.inf), np.full(len(values), -np.inf)
    np.fmin.at(least, row, numbers)
    np.fmax.at(most, row, numbers)
    not_a_number = np.bincount(row, np.isnan(numbers), len(values)) > 0
    with np.errstate(over="ignore", invalid="ignore"):
        utility = np.where(counts > 0, most * scale, 0.0)
    problems = {
        f"{where} holds no value for it": counts == 0,
        f"{where} does not hold a number": not_a_number,
        f"{where} holds several numbers for it": (counts > 0) & (least != most),
        f"{where} is not a finite number from 0 up": ~np.isfinite(utility) | (utility < 0),
    }
    why: dict[int, str] = {}
    for problem, of_rows in problems.items():
        why |= {number: problem for number in np.flatnonzero(of_rows).tolist() if number not in why}
    return utility, why
