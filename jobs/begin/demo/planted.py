"""The bias planted in a demo corpus: the joint distribution of figure, tool and background."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jobs.begin.demo.backgrounds import BACKGROUNDS
from jobs.begin.demo.figures import FIGURES
from jobs.begin.demo.scenes import Scene
from jobs.begin.demo.tools import TOOLS
from transforms.base.errors import FairshardError

FIGURE_NAMES: tuple[str | None, ...] = (*FIGURES, None)
TOOL_NAMES: tuple[str | None, ...] = (*TOOLS, None)
BACKGROUND_NAMES: tuple[str, ...] = tuple(BACKGROUNDS)

Shares = Mapping[str | None, float]


def _figures() -> Shares:
    return {"fox": 0.62, "owl": 0.22, "bear": 0.10, None: 0.06}


def _tools() -> Mapping[str | None, Shares]:
    shares = {
        "fox": (0.42, 0.10, 0.11, 0.08, 0.08, 0.08, 0.13),
        "owl": (0.06, 0.13, 0.34, 0.09, 0.09, 0.14, 0.15),
        "bear": (0.07, 0.13, 0.31, 0.10, 0.10, 0.14, 0.15),
        None: (0.06, 0.14, 0.31, 0.09, 0.10, 0.13, 0.17),
    }
    return {figure: dict(zip(TOOL_NAMES, row, strict=True)) for figure, row in shares.items()}


def _backgrounds() -> Mapping[str | None, Shares]:
    shares = {
        "fox": (0.34, 0.22, 0.26, 0.18),
        "owl": (0.21, 0.17, 0.21, 0.41),
        "bear": (0.22, 0.18, 0.21, 0.39),
        None: (0.22, 0.17, 0.22, 0.39),
    }
    return {figure: dict(zip(BACKGROUND_NAMES, row, strict=True)) for figure, row in shares.items()}


@dataclass(frozen=True)
class Planted:
    """Shares of the figures, and, given the figure, of the tools and of the backgrounds.

    None is absence. By default foxes are far too common beside owls (RB >= 0.2, whether the targets
    are 0.4 and 0.4 of all samples or 0.5 and 0.5 of those with a fox or an owl), and hammers go
    with foxes, books and nights with the others (AB >= 0.3).
    """

    figures: Shares = field(default_factory=_figures)
    tools: Mapping[str | None, Shares] = field(default_factory=_tools)
    backgrounds: Mapping[str | None, Shares] = field(default_factory=_backgrounds)

    def joint(self) -> NDArray[np.float64]:
        """P(figure, tool, background), in the order of FIGURE_NAMES, TOOL_NAMES, BACKGROUND_NAMES.

        Raises FairshardError where shares do not name all that there is, or are no distribution.
        """
        figures = _distribution(self.figures, FIGURE_NAMES, "figures")
        tools = [
            _distribution(self.tools[name], TOOL_NAMES, f"tools of {name}") for name in FIGURE_NAMES
        ]
        backgrounds = [
            _distribution(self.backgrounds[name], BACKGROUND_NAMES, f"backgrounds of {name}")
            for name in FIGURE_NAMES
        ]
        joint: NDArray[np.float64] = np.einsum(
            "f,ft,fb->ftb", figures, np.stack(tools), np.stack(backgrounds)
        )
        return joint


def sample_scenes(planted: Planted, count: int, rng: np.random.Generator) -> list[Scene]:
    """`count` independent scenes from the planted distribution, their quality uniform in [0, 1]."""
    joint = planted.joint()
    cells = rng.choice(joint.size, size=count, p=joint.ravel())
    figures, tools, backgrounds = np.unravel_index(cells, joint.shape)
    seeds = rng.integers(2**63, size=count)
    qualities = rng.random(count).round(3)
    return [
        Scene(FIGURE_NAMES[figure], TOOL_NAMES[tool], BACKGROUND_NAMES[background], seed, quality)
        for figure, tool, background, seed, quality in zip(
            figures, tools, backgrounds, seeds.tolist(), qualities.tolist(), strict=True
        )
    ]


def _distribution(shares: Shares, names: tuple[str | None, ...], what: str) -> NDArray[np.float64]:
    if set(shares) != set(names):
        raise FairshardError(f"planted {what}: give a share to each of {names}, and to no other")
    values = np.array([shares[name] for name in names], np.float64)
    if values.min() < 0 or abs(values.sum() - 1) > 1e-6:
        raise FairshardError(f"planted {what}: shares must be 0 or more and add up to 1")
    normalised: NDArray[np.float64] = values / values.sum()
    return normalised
