"""The quality filter asked again, sample by sample, of the values that label tables carry."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.verification.configured import FilterEntry

Flags = NDArray[np.bool_]
Cell = dict[str, Any]
SIMILARITY = "score.similarity"
_DECIMAL = re.compile(r"[ \t\r\n]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t\r\n]*", re.ASCII)


@dataclass(frozen=True)
class Passing:
    """Rows of a label table that each condition of a filter lets through, and lacks a value of."""

    passed: tuple[Flags, ...]
    lacking: tuple[int, ...]

    @property
    def together(self) -> Flags:
        """The rows that all conditions let through."""
        return np.asarray(np.all(self.passed, axis=0))


def column_of(entry: FilterEntry) -> str:
    """The column of the label table that a condition asks of."""
    if entry.min_similarity is not None:
        return SIMILARITY
    return f"{'value' if entry.column is None else 'joined'}.{entry.place}"


def passing(batch: pa.RecordBatch, conditions: Sequence[FilterEntry]) -> Passing:
    """Which rows of a part of a label table pass; all do where there is no condition."""
    passed, lacking = [np.ones(batch.num_rows, np.bool_)] * (not conditions), []
    for entry in conditions:
        column = batch.column(column_of(entry))
        if entry.min_similarity is not None:
            passed.append(column.to_numpy() >= np.float32(entry.min_similarity))
            lacking.append(0)
            continue
        rows = column.to_pylist()
        passed.append(np.array([_holds(entry, cells) for cells in rows], np.bool_))
        lacking.append(sum(not cells for cells in rows))
    return Passing(tuple(passed), tuple(lacking))


def _holds(entry: FilterEntry, cells: list[Cell]) -> bool:
    if entry.present is not None and entry.present is not bool(cells):
        return False
    compares = bool(entry.values or entry.matches or entry.bounds)
    if compares and not any(_fits(entry, cell) for cell in cells):
        return False
    return entry.opposite is None or not _holds(entry.opposite, cells)


def _fits(entry: FilterEntry, cell: Cell) -> bool:
    if entry.values and not any(_equals(cell, value) for value in entry.values):
        return False
    if entry.bounds:
        number = _number(cell)
        if number is None or not all(_within(number, *bound) for bound in entry.bounds.items()):
            return False
    if not entry.matches:
        return True
    text = cell["text"] if cell["number"] is None else None
    return text is not None and any(_pattern(one).search(text) for one in entry.matches)


def _equals(cell: Cell, value: str | bool | int | float) -> bool:
    if isinstance(value, bool):
        return cell["truth"] is value
    if isinstance(value, str):
        return cell["number"] is None and cell["text"] == value
    if cell["number"] is None:
        return False
    return bool((cell["number"] if cell["text"] is None else int(cell["text"])) == value)


def _number(cell: Cell) -> float | None:
    if cell["number"] is not None:
        return float(cell["number"])
    text = cell["text"]
    return float(text) if text is not None and _DECIMAL.fullmatch(text) else None


def _within(number: float, kind: str, bound: float) -> bool:
    match kind:
        case "at_least":
            return number >= bound
        case "above":
            return number > bound
        case "at_most":
            return number <= bound
        case _:
            return number < bound


@cache
def _pattern(text: str) -> Any:
    try:
        return import_module("re2").compile(text)
    except ImportError as error:
        raise FairshardError(
            "the filter holds `matches`, which google-re2 reads: install it, then verify again"
        ) from error
