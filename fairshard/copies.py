"""Whole numbers for the weights of a table's rows, so that its bounds are met by what is taken."""

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from fairshard.rows import TableRows
from transforms.config.balance import ShareBound
from transforms.config.schema import Attribute
from transforms.m4.required import Requirement
from transforms.m4.rounding import Movable, rounded
from transforms.m4.terms import Tolerances
from transforms.resampling.sampling import is_fractional, systematic_copies
from transforms.statistics.measures import PerMeasure
from transforms.statistics.moments import Moments
from transforms.statistics.patterns import with_bins
from transforms.statistics.subsampling import row_hashes

_MOST = 1 << 20


def whole_copies(
    rows: TableRows,
    weights: NDArray[np.float64],
    attributes: tuple[Attribute, ...],
    labels: tuple[str, ...],
    asked: PerMeasure,
    shares: tuple[ShareBound, ...],
    seed: int,
) -> NDArray[np.int64]:
    """The copies of each row, int64 (n,): floor or ceiling of its weight, drawn by the seed."""
    patterns = with_bins(rows.flags, rows.utility)
    keys = pa.array(np.arange(len(weights))).cast(pa.string())
    copies = systematic_copies(weights, patterns, keys, seed, "")
    drawn, wanted = (
        _moments(rows, masses, attributes, labels) for masses in (copies.astype(float), weights)
    )
    requirement = Requirement(Tolerances(asked.RB, asked.AB, asked.skew), shares)
    movable = _movable(weights, seed)
    sign = np.where(copies[movable] > weights[movable], -1, 1).astype(np.int8)
    s, y = _flags(rows.flags[movable], len(attributes), len(labels))
    found = rounded(drawn, wanted, Movable(s, y, sign), attributes, [requirement], labels)
    copies[movable[found.flips]] += sign[found.flips]
    return copies


def _movable(weights: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    """The rows of fractional weight; of very many, those whose hashes are the smallest."""
    movable = np.flatnonzero(is_fractional(weights))
    if len(movable) <= _MOST:
        return movable
    order = np.argsort(row_hashes(seed % 2**64, 0, len(weights))[movable], kind="stable")
    return np.sort(movable[order[:_MOST]])


def _moments(
    rows: TableRows,
    masses: NDArray[np.float64],
    attributes: tuple[Attribute, ...],
    labels: tuple[str, ...],
) -> Moments:
    """Those of the rows, each counted as often as its mass says."""
    found, first = [], 0
    for part in rows.parts():
        s, y = _flags(part.flags, len(attributes), len(labels))
        found.append(Moments.of(attributes, s, y, masses[first : first + len(part)]))
        first += len(part)
    total = found[0]
    for moments in found[1:]:
        total = total.plus(moments)
    return total


def _flags(packed: NDArray[np.uint8], m: int, c: int) -> tuple[NDArray[np.bool_], sp.csr_array]:
    """s, (n, m), and y, (n, c), of bit-packed flags."""
    flags = np.unpackbits(packed, axis=1, count=m + c).astype(np.bool_)
    return flags[:, :m], sp.csr_array(flags[:, m:], dtype=np.float64)
