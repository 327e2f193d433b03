"""The seam of balancers: other ways to weigh a corpus, which M4 is compared with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from transforms.config.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from transforms.config.schema import Attribute
    from transforms.config.sections import Balance
    from transforms.statistics.histogram import Histogram

Weights = Callable[["Histogram", "tuple[Attribute, ...]", "Balance"], "NDArray[np.float64]"]


@dataclass(frozen=True)
class Balancer:
    """A balancer.

    weights: the weight q in [0, Q] of every pattern of a histogram, float64 (P,), of mean eta as
    far as the method can; what else is asked for is its own affair. order: rows of lower numbers
    come first.
    """

    name: str
    about: str
    weights: Weights
    order: int = 100


BALANCERS: Registry[Balancer] = Registry("balancer", "fairshard.balancers")


def in_order() -> tuple[str, ...]:
    """The names of all, in the order of their rows."""
    return tuple(sorted(BALANCERS, key=lambda name: (BALANCERS[name].order, name)))
