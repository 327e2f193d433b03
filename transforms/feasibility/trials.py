"""Trials of what would be attainable, until whoever asks has had enough of them."""

from collections.abc import Callable
from dataclasses import dataclass

from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.feasibility.subproblem import Subproblem
from transforms.m4.balance import Balanced, attempt
from transforms.statistics.histogram import Histogram
from transforms.statistics.moments import Moments


class StoppedError(Exception):
    """There was enough of it: no further trial is made."""


@dataclass(frozen=True)
class Trials:
    """Trials, each a solved problem; `enough` is asked before every one, and ends them if true."""

    enough: Callable[[], bool]

    def __call__(self, scene: Subproblem) -> Balanced:
        """Whether what is asked in `scene` can be met."""
        return self.attempt(scene.rows, scene.attributes, scene.asked, written=scene.written)

    def attempt(
        self,
        histogram: Histogram,
        attributes: tuple[Attribute, ...],
        asked: Balance,
        start: Balanced | None = None,
        written: Moments | None = None,
    ) -> Balanced:
        """As `transforms.m4.balance.attempt`; StoppedError where there was enough."""
        self.check()
        return attempt(histogram, attributes, asked, start, written)

    def check(self) -> None:
        """Raise StoppedError where there was enough."""
        if self.enough():
            raise StoppedError
