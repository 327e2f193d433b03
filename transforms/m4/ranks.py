"""What comes first where not all can be met: what violations cost, by kind of constraint."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from transforms.config.balance import KINDS, Balance, Kind
from transforms.m4.constraints import asked_kinds
from transforms.m4.terms import Terms

_RAISED = 4.0
_RAISED_APART = 8.0
_APART = 64.0


@dataclass(frozen=True)
class Ranks:
    """The kinds of constraints of which something is asked, those that come first at first.

    V of the open ranks is as high as it takes that no weights miss them by less in total, given
    those before; that of the fixed kinds was given as numbers.
    """

    open: tuple[tuple[Kind, ...], ...]
    fixed: tuple[Kind, ...]

    @classmethod
    def of(cls, asked: Balance, terms: Terms) -> Self:
        """The ranks in which something is asked for."""
        there = asked_kinds(terms)
        ranks = (tuple(kind for kind in kinds if kind in there) for kinds in asked.ranks)
        return cls(tuple(filter(None, ranks)), tuple(k for k in there if k in asked.prices))

    @property
    def all(self) -> tuple[tuple[Kind, ...], ...]:
        """All kinds; those whose V was given are last."""
        return (*self.open, self.fixed) if self.fixed else self.open

    def apart(self, terms: Terms) -> Terms:
        """The terms with less to pay for what comes later."""
        times = {kind: _APART**-rank for rank, kinds in enumerate(self.open) for kind in kinds}
        return _with({kind: terms.V_of(kind) * times.get(kind, 1.0) for kind in KINDS}, terms)

    def raised(self, terms: Terms, rank: int) -> Terms:
        """The terms with a higher V for all ranks up to this one."""
        factor = _RAISED_APART if len(self.all) > 1 else _RAISED
        later = {kind for kinds in self.open[rank + 1 :] for kind in kinds} | {*self.fixed}
        costs = {kind: terms.V_of(kind) * (1.0 if kind in later else factor) for kind in KINDS}
        return _with(costs, terms)


def prices_asked(asked: Balance, first: float) -> tuple[float, Mapping[Kind, float]]:
    """V to begin with, and that of the kinds that have another; `first` where it is left open."""
    given = asked.prices
    open_V = max([first, *(_APART * V for V in given.values())])
    return _largest_and_others({kind: given.get(kind, open_V) for kind in KINDS})


def _with(costs: Mapping[Kind, float], terms: Terms) -> Terms:
    V, other_V = _largest_and_others(costs)
    return replace(terms, V=V, other_V=other_V)


def _largest_and_others(costs: Mapping[Kind, float]) -> tuple[float, Mapping[Kind, float]]:
    largest = max(costs.values())
    return largest, {kind: V for kind, V in costs.items() if largest != V}
