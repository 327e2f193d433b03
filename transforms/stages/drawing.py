"""The last round of solving: the corpus is drawn before anything is written.

Every shard is drawn by systematic sampling, and what that gives is summed. Where it misses a bound
that the plan meets, some samples get one copy more or fewer (transforms/m4/rounding.py). The plan
is written then, and says what the output will hold.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.m4.terms import Tolerances
from transforms.plan.drawn_file import DrawnFigures
from transforms.plan.flips import publish_flips
from transforms.plan.plan import Plan
from transforms.plan.plan_file import RateFound
from transforms.resampling.candidates import Eligibility, as_patterns
from transforms.resampling.output_moments import Written
from transforms.resampling.shard_draws import CorpusDraw, ShardDraws, draw_shard, flipped_draw
from transforms.resampling.shards_file import publish_kept
from transforms.stages.doing import end_drawing
from transforms.stages.steps import Gathered, Solved, Step
from transforms.statistics.measures import measures_of
from transforms.statistics.moments import Moments
from transforms.storage import paths
from transforms.storage.files import output_storage

if TYPE_CHECKING:
    from transforms.m4.required import Requirement

Vector = NDArray[np.float64]
_SLOWER = 1e-3


class Remaking(ABC):
    """How a plan whose rate was left open is made again, at a rate that is given.

    most: of how many rates, before that which missed least is gone back to.
    """

    most: ClassVar[int]

    @abstractmethod
    def at(
        self,
        found: RateFound,
        plan: Plan,
        tried: tuple["Trial", ...],
        records: Sequence[LabelRecord],
        config: Config,
    ) -> Step:
        """The step that leads to drawing, in place of `plan`, whose patterns are on file."""


@dataclass(frozen=True)
class Trial:
    """A rate at which the corpus was drawn, and by how much that misses what is asked.

    remaking: how plans are made from that one.
    """

    rate: float
    excess: float
    remaking: Remaking


@dataclass(frozen=True)
class Drawing(Step):
    """Draw all shards by a plan that is solved, and whose patterns are written.

    wanted: the moments that it expects. remaking: how it is made again, where its rate was left
    open; tried: the rates that it was drawn at before. solving_took: the seconds of the plan.
    """

    plan: Plan
    wanted: Moments
    choice: Eligibility
    remaking: Remaking | None = None
    tried: tuple[Trial, ...] = ()
    solving_took: float = 0.0

    def gather(self, record: LabelRecord, config: Config) -> Gathered:
        """What the shard gives by systematic sampling, and its candidates."""
        return draw_shard(record, self.plan, self.choice, config, output_storage(config.output))

    def advance(self, gathered: Gathered, records: Sequence[LabelRecord], config: Config) -> Step:
        """The plan, written; another one where its rate is open and the draw misses something."""
        if not isinstance(gathered, ShardDraws):
            raise FairshardError("there is no labelled shard to draw from: run `fairshard label`")
        drawn, excess = self._rounded(gathered, config)
        slower = self._slower(excess, records, config)
        return slower or Solved(self._written(drawn, excess, config))

    def _rounded(self, gathered: ShardDraws, config: Config) -> tuple[CorpusDraw, float]:
        """The draw with its flips, and by how much it misses what is asked."""
        from transforms.m4.rounding import EXACT, Movable, rounded

        sums, kept, candidates = gathered.extract()
        plan, terms = self.plan, self.plan.terms
        sign = candidates.column("sign").to_numpy()
        corpus = plan.corrected(as_patterns(candidates, np.ones(len(sign), np.int64), plan))
        found = rounded(
            Written.from_sums(sums, plan).moments,
            self.wanted,
            Movable(corpus.s, corpus.y, sign),
            terms.attributes,
            _requirements(plan),
            terms.labels,
        )
        flipped = candidates.filter(pa.array(found.flips))
        excess = found.excess if found.excess > EXACT else 0.0
        return flipped_draw(sums, kept, flipped, plan, config), excess

    def _slower(self, excess: float, records: Sequence[LabelRecord], config: Config) -> Step | None:
        """What leads to a lower rate or, after the last, back to the best; None for no more."""
        found, remaking = self.plan.file.largest_rate, self.remaking
        attained = found is not None and found.upper > 0
        if not (excess and found and attained and remaking) or len(self.tried) == remaking.most:
            return None
        from transforms.feasibility.rates import rounded_down

        tried = (*self.tried, Trial(found.rate, excess, remaking))
        rate = rounded_down(found.rate * (1 - _SLOWER * 2 ** len(self.tried)))
        if len(tried) == remaking.most:
            best = min(tried, key=lambda trial: trial.excess)
            rate, remaking = best.rate, best.remaking
        if rate == found.rate:
            return None
        other = RateFound(rate=rate, upper=found.upper)
        return remaking.at(other, self.plan, tried, records, config)

    def _written(self, drawn: CorpusDraw, excess: float, config: Config) -> Plan:
        """The plan with what is drawn by it: what it vouches for is written first."""
        storage, attributes = output_storage(config.output), self.plan.terms.attributes
        written = drawn.written
        optional: dict[str, Any] = {}
        if self.plan.odds is not None:
            optional["as_labelled"] = measures_of(written.labelled, attributes)
        if before := self.plan.file.written:
            union = written.moments.plus(before.moments_of(len(attributes)))
            optional["union"] = measures_of(union, attributes)
        if self.tried and (first := self.tried[0].rate) > self.plan.terms.eta:
            optional["lowered_from"] = first
        if flips := publish_flips(drawn.flips, storage):
            optional["flips"] = flips
        figures = DrawnFigures(
            copies=written.samples,
            kept=drawn.samples,
            measures=measures_of(written.moments, attributes),
            excess=excess,
            shards=publish_kept(drawn.kept, config.output, storage),
            **optional,
        )
        file = self.plan.file.model_copy(update={"draw": figures})
        end_drawing(storage)
        storage.publish(paths.PLAN, file.to_json())
        storage.delete(paths.SAMPLE)
        return replace(self.plan, file=file, flips=drawn.flips)


def _requirements(plan: Plan) -> "list[Requirement]":
    """What is asked of what is drawn and of what was written before it, together; and of what is
    drawn by itself, where that is asked.
    """
    from transforms.m4.required import Requirement

    terms, before, m = plan.terms, plan.file.written, len(plan.terms.attributes)
    asked = terms.tolerances
    union, *own = (
        Tolerances(*(each[first : first + m] for each in _each(asked)))
        for first in range(0, terms.subjects, m)
    )
    written = before.moments_of(m) if before else None
    together = Requirement(union, terms.shares, written)
    return [together, *(Requirement(one, ()) for one in own)]


def _each(asked: Tolerances) -> tuple[Vector, Vector, Vector]:
    return asked.representation, asked.association, asked.skew
