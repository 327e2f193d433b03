"""True attributes as probabilities, where the plan was made with a calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

INTERCEPT = "intercept"
_STEPS_OF_ODDS = 2**7
_STEPS_OF_PROBABILITY = 2**24


@dataclass(frozen=True)
class Odds:
    """The log odds that a sample truly carries attribute k, by what was recognised of it.

    A pair of an intercept and the effects of the flags, float64 (m + c,): where k is not
    recognised, and where it is.
    """

    k: int
    intercepts: tuple[float, float]
    effects: tuple[NDArray[np.float64], NDArray[np.float64]]

    @classmethod
    def by(cls, k: int, rows: Sequence[Mapping[str, float]], columns: Sequence[str]) -> Self:
        """The odds that a plan gives by feature; ValueError where it gives others than it can."""
        if len(rows) != 2 or any(set(row) - {INTERCEPT, *columns} for row in rows):
            raise ValueError("the log odds of an attribute are of no column that there is")
        lacking, carrying = (np.array([row.get(name, 0.0) for name in columns]) for row in rows)
        intercepts = (rows[0].get(INTERCEPT, 0.0), rows[1].get(INTERCEPT, 0.0))
        return cls(k, intercepts, (lacking, carrying))

    def probability(self, flags: NDArray[np.bool_]) -> NDArray[np.float64]:
        """P(true s_k = 1) of each row of flags, (n, m + c): log odds in steps of 1/128."""
        log_odds = np.where(
            flags[:, self.k],
            self.intercepts[1] + flags @ self.effects[1],
            self.intercepts[0] + flags @ self.effects[0],
        )
        stepped = np.round(log_odds * _STEPS_OF_ODDS) / _STEPS_OF_ODDS
        return np.round(_STEPS_OF_PROBABILITY / (1 + np.exp(-stepped))) / _STEPS_OF_PROBABILITY
