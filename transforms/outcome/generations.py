"""The generations of an output that has grown: what each wrote, and its bias by itself."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.generations.record import GenerationEntry
from transforms.plan.plan import Plan
from transforms.resampling.manifest import Manifest
from transforms.statistics.bounded import CERTIFIED, deciding
from transforms.statistics.measures import Measures, PerMeasure


@dataclass(frozen=True)
class OwnBias:
    """A measure of what a generation wrote, where it is most above the bound on all, or nearest.

    asked is that bound, nan where there is none; `of` names the attribute, or the pair.
    """

    name: str
    value: float
    asked: float
    of: str

    @property
    def excess(self) -> float:
        """By how much it is above that bound; 0 where it is not."""
        above = self.value - self.asked
        return above if above > CERTIFIED else 0.0


@dataclass(frozen=True)
class GenerationRow:
    """A generation, and its measures, each as the bounds on all that is written let it decide."""

    entry: GenerationEntry
    measures: tuple[OwnBias, ...]

    @property
    def bias(self) -> tuple[OwnBias, ...]:
        """The measures of which something is asked of all that is written."""
        return tuple(one for one in self.measures if not np.isnan(one.asked))

    @property
    def rate(self) -> float:
        """What it wrote, over the samples that it was drawn from."""
        return self.entry.written / max(self.entry.samples, 1)

    @property
    def warning(self) -> str:
        """That it is biased where all together are not to be; "" where it is not."""
        biased = [one for one in self.bias if one.excess]
        if not biased:
            return ""
        each = ", ".join(f"{one.name} {one.value:.4f} ({one.of})" for one in biased)
        return (
            f"generation {self.entry.number} is itself biased: {each}; a model takes "
            "representation from what it saw last: shuffle all shards, or bound it "
            "(balance.generation)"
        )


def generation_rows(manifest: Manifest, plan: Plan) -> Iterator[GenerationRow]:
    """Every generation of an output, in order, beside the bounds of the last plan."""
    for entry in manifest.generations or ():
        yield GenerationRow(entry, tuple(_biases(entry.measures, plan.asked, plan)))


def _biases(measures: Measures, asked: PerMeasure, plan: Plan) -> Iterator[OwnBias]:
    names = [attribute.name for attribute in plan.terms.attributes]
    for name in ("RB", "AB", "skew"):
        bounds = getattr(asked, name)
        found = deciding(np.abs(getattr(measures, name)), bounds, CERTIFIED)
        if found is not None:
            of = found.name(names, plan.terms.labels)
            yield OwnBias(name, found.value, found.bound, of)
