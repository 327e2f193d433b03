"""What earlier generations of an output wrote, as a plan for the next one takes it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field

from transforms.config.schema import Attribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import Measures
from transforms.statistics.moments import Moments
from transforms.storage.documents import Count, Document, Finite

if TYPE_CHECKING:
    from transforms.calibration.posteriors import Calibration


@dataclass(frozen=True)
class WrittenPart:
    """Sums over the samples that were written, each copy of them one sample.

    moments are by true attributes, where a calibration says what these are; labelled are by the
    recognised ones, and without a calibration the same.
    """

    moments: Moments
    labelled: Moments

    @classmethod
    def of(
        cls,
        histogram: Histogram,
        attributes: tuple[Attribute, ...],
        calibration: "Calibration | None" = None,
    ) -> Self:
        """What was written, by its patterns: its counts are copies."""
        labelled = Moments.of_corpus(histogram, attributes)
        if calibration is None:
            return cls(labelled, labelled)
        return cls(Moments.of_corpus(calibration.corrected(histogram), attributes), labelled)

    @property
    def samples(self) -> int:
        """How many samples were written."""
        return round(self.moments.total)


class WrittenMeasures(Document):
    """The measures of what was written before, and of the union with the balanced corpus."""

    before: Measures
    union: Measures


class WrittenFigures(Document):
    """What earlier generations wrote: samples, copies counted, and their moments.

    moments: a row an attribute of sums of s_k, so many of n_k and of o_k, and one of y, by label
    and, last, of all samples (transforms/statistics/moments.py); of true attributes, where there is
    a calibration. as_labelled: the measures by recognised ones.
    """

    samples: Annotated[Count, Field(ge=1)]
    moments: tuple[tuple[Finite, ...], ...]
    measures: WrittenMeasures
    as_labelled: WrittenMeasures | None = None

    def moments_of(self, attributes: int) -> Moments:
        """The moments, of so many attributes."""
        return Moments.from_vector(np.array(self.moments).ravel(), attributes)

    def checked(self, attributes: int, labels: int) -> list[Measures]:
        """The measures that it holds; ValueError where its moments are of other names."""
        if [len(row) for row in self.moments] != [labels + 1] * (3 * attributes + 1):
            raise ValueError(f"written is not of {attributes} attributes and {labels} labels")
        both = (self.measures, self.as_labelled)
        return [found for one in both if one is not None for found in (one.before, one.union)]
