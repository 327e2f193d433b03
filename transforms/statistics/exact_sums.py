"""Sums of real numbers that are the same bits in whatever order they are added."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

_BITS = 40


@dataclass(frozen=True)
class FixedSums:
    """Sums in units of 2^-40: whole + rest 2^-40, int64 (n,) each, 0 <= rest < 2^40.

    Integers add up alike in any order, and no sum below 2^63 overflows.
    """

    whole: NDArray[np.int64]
    rest: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Self:
        """The nearest to `values`, (n,): to 2^-41, or to rounding above 2^12."""
        whole = np.floor(values)
        rest = np.rint(np.ldexp(values - whole, _BITS))
        return cls._carried(whole.astype(np.int64), rest.astype(np.int64))

    def extract(self) -> NDArray[np.float64]:
        """The sums as numbers, float64 (n,)."""
        return self.whole.astype(np.float64) + np.ldexp(self.rest.astype(np.float64), -_BITS)

    def merge(self, other: "FixedSums") -> Self:
        """The sums of both."""
        return self._carried(self.whole + other.whole, self.rest + other.rest)

    @classmethod
    def _carried(cls, whole: NDArray[np.int64], rest: NDArray[np.int64]) -> Self:
        carry = rest >> _BITS
        return cls(whole + carry, rest - (carry << _BITS))
