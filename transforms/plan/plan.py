"""The plan: the solved problem, as files that people and workers read."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds, soft_attributes
from transforms.config.balance import Kind
from transforms.labels.tables import digest, parquet_bytes
from transforms.m4.constraints import arranged
from transforms.m4.targets import asked_only
from transforms.m4.terms import VACUOUS, Terms, Tolerances
from transforms.m4.weights import Duals, weights_of
from transforms.plan.flips import Flips, read_flips
from transforms.plan.missed_words import missed_in_words
from transforms.plan.plan_file import PatternsFile, PlanFile, plan_file_from
from transforms.plan.terms_file import Centres, PlannedAttribute
from transforms.statistics.histogram import Histogram
from transforms.statistics.measures import PerMeasure
from transforms.statistics.pattern_tables import histogram_of, read_patterns
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.inventory import Vouched
from transforms.storage.wellformed import finite, well_formed


@dataclass(frozen=True)
class Plan:
    """What workers need of a plan (its terms and dual variables), and all of it, as on file.

    odds are those of the true attributes, where recognised ones are not taken for true. flips are
    the samples that get one copy more or fewer than systematic sampling gives them.
    """

    terms: Terms
    duals: Duals
    odds: LogOdds | None
    file: PlanFile
    flips: Flips = field(default_factory=Flips)

    @property
    def fingerprint(self) -> Mapping[str, str]:
        """What the plan was made from, as digests."""
        return self.file.fingerprint

    @property
    def identity(self) -> str:
        """A digest of what the plan was made from, its terms and its dual variables."""
        return self.file.identity

    @property
    def asked(self) -> PerMeasure:
        """The bounds that are asked for, of all that is written; nan where nothing is."""
        return self._asked(0)

    @property
    def asked_of_generation(self) -> PerMeasure | None:
        """Those that are asked for of what the plan adds, by itself; None where none are."""
        return self._asked(1) if self.terms.generation else None

    def _asked(self, scope: int) -> PerMeasure:
        given, m = self.terms.tolerances, len(self.terms.attributes)
        own = slice(scope * m, (scope + 1) * m)
        bounds = (given.representation[own], given.association[own], given.skew[own])
        return asked_only(PerMeasure(*bounds))

    @property
    def rate_in_words(self) -> str:
        """The rate and, where it was found for the user, how far from the best it can be."""
        found, transferred = self.file.largest_rate, self.file.transferred
        draw = self.file.draw
        if transferred:
            return f"by the plan of {transferred.output}, whose eta is {self.terms.eta:g}"
        if not found:
            return f"eta = {self.terms.eta:g}"
        how = f"the largest at which all is attainable (to 1e-05), at most {found.upper:.4g}"
        if draw and draw.lowered_from:
            met = "so that whole samples meet it too"
            why = "as whole samples miss less at this one" if draw.excess else met
            how = f"lowered from {draw.lowered_from:g}, {how}, {why}"
        if not found.upper:
            how = "the one that misses least, as none was found at which all is attainable"
        if found.least_excess:
            how += f": no weights of any rate miss less than {found.least_excess:.4g} in total"
        return f"eta = {self.terms.eta:g} (auto: {how})"

    @property
    def solved_on(self) -> int:
        """The number of samples that it was solved on: those of patterns.parquet."""
        sampled = self.file.sampled
        return sampled.samples if sampled else self.file.samples.balanced

    @property
    def missed_in_words(self) -> str:
        """How many constraints are missed, and what is proven of that; nothing where none is."""
        return missed_in_words(self.file, self.terms)

    @property
    def sampled_in_words(self) -> str:
        """How a corpus of too many patterns was solved; nothing where it was solved on all."""
        sampled = self.file.sampled
        if not sampled:
            return ""
        passes = len(sampled.passes)
        how = "" if sampled.polished else " (not enough: raise balance.max_patterns)"
        return (
            f"solved on {sampled.samples:,} of {self.file.samples.balanced:,} samples "
            f"(1 in {round(1 / sampled.share):,}); polished{how} and measured exactly by "
            f"{passes} pass{'es' * (passes > 1)} over all of them"
        )

    def corrected(self, histogram: Histogram) -> Histogram:
        """`histogram` with the attributes that weights depend on: the true ones, if known of."""
        return histogram if self.odds is None else CorrectedHistogram.of(histogram, self.odds)

    def weights(
        self, flags: NDArray[np.bool_], utility: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The weights q, float64 (n,), of samples with flags (s, y), (n, m + c), and u (n,)."""
        from scipy.sparse import csr_array

        m = len(self.terms.attributes)
        s, y = flags[:, :m], csr_array(flags[:, m:], dtype=float)
        carried = s if self.odds is None else soft_attributes(s, y, self.odds)
        return weights_of(carried, y, utility, self.terms, self.duals)


def write_plan(plan: Plan, patterns: pa.Table, storage: Storage) -> None:
    """Write the patterns, then the plan that vouches for them."""
    publish_patterns(plan, patterns, storage)
    storage.publish(paths.PLAN, plan.file.to_json())


def publish_patterns(plan: Plan, patterns: pa.Table, storage: Storage) -> None:
    """Write the patterns of a plan that is to come.

    Another plan on file goes first, with what explains it: it does not vouch for these patterns.
    """
    there = storage.find(paths.PLAN)
    if there is not None and not _solves_the_same(there, plan):
        storage.delete(paths.PLAN)
        storage.delete(paths.EXPLANATION)
    storage.publish(paths.PATTERNS, parquet_bytes(patterns))


def _solves_the_same(content: bytes, plan: Plan) -> bool:
    """Whether a plan's file is that of `plan`, whatever is drawn by it."""
    with suppress(FairshardError), well_formed("another plan"):
        files = (plan_from(content, paths.PLAN).file, plan.file)
        one, other = (file.model_copy(update={"draw": None}).to_json() for file in files)
        return one == other
    return False


def vouched_for(patterns: pa.Table) -> PatternsFile:
    """What a plan says of the file of its patterns."""
    content = parquet_bytes(patterns)
    return PatternsFile(bytes=len(content), digest=digest(content))


def lost_part(plan: Plan, storage: Storage) -> str:
    """What is wrong with a file that the plan on file vouches for, or ""; flips are not read.

    Of a plan that does not say how large its patterns are, they are read.
    """
    draw = plan.file.draw
    listed = {
        paths.PATTERNS: plan.file.patterns,
        paths.FLIPS: draw.flips if draw else None,
        paths.DRAW: draw.shards if draw else None,
    }
    for name, vouched in listed.items():
        if vouched is None:
            continue
        file = Vouched(name, vouched.bytes, "", vouched.digest)
        if fault := file.fault(storage.listed(name), storage):
            return f"{name} is {fault}"
    if plan.file.patterns is None:
        try:
            read_histogram(storage, plan)
        except (FairshardError, ValueError, KeyError, OSError):
            return f"{paths.PATTERNS} is lost or damaged"
    return ""


def read_plan(storage: Storage) -> Plan:
    """The plan of an output folder; FairshardError where there is none that can be read."""
    plan = read_without_flips(storage)
    flips = plan.file.draw.flips if plan.file.draw else None
    return replace(plan, flips=read_flips(flips, storage))


def read_without_flips(storage: Storage) -> Plan:
    """The same, but for the samples that are flipped."""
    content, where = storage.read(paths.PLAN), storage.path(paths.PLAN)
    with well_formed(f"{where} is not a plan: run `fairshard solve` again"):
        return plan_from(content, where)


def plan_from(content: bytes, where: str) -> Plan:
    """The plan in the JSON `content`, without its flips; FairshardError where it is of another
    version.
    """
    file = plan_file_from(content, where)
    return Plan(_terms(file), _duals(file), _odds(file), file)


def read_histogram(storage: Storage, plan: Plan) -> tuple[Histogram, NDArray[np.float64]]:
    """The histogram that a plan was solved on, and each pattern's weight q, float64 (P,).

    That is a sample of the corpus, where the plan was `sampled`.
    """
    names, labels = tuple(attribute.name for attribute in plan.terms.attributes), plan.terms.labels
    table = read_patterns(storage, paths.PATTERNS, len(names) + len(labels), plan.solved_on, "q")
    return histogram_of(table, names, labels), table.column("q").to_numpy()


def expected_drops(histogram: Histogram, q: NDArray[np.float64]) -> float:
    """How many samples the weights are expected to drop: the sum of max(0, 1 - q)."""
    return float(histogram.counts @ np.maximum(1.0 - q, 0.0))


def _terms(file: PlanFile) -> Terms:
    generation = _of_generation(file)
    centres: list[PlannedAttribute | Centres] = list(file.attributes)
    if generation:
        centres += [entry.generation for entry in file.attributes if entry.generation]
    m, c = (1 + generation) * len(file.attributes), len(file.labels)
    by_kind = _by_kind(file, "tolerance", VACUOUS)
    allowed = {kind: values[0] for kind, values in by_kind.items() if kind != "share"}
    return Terms(
        tuple(entry.attribute for entry in file.attributes),
        file.labels,
        Tolerances(**allowed),
        finite([entry.centre for entry in centres], (m,)),
        finite([entry.label_centres for entry in centres], (m, c)),
        file.problem.eta,
        file.problem.Q,
        file.problem.V,
        file.problem.other_V or {},
        tuple(row.share for row in file.constraints if row.kind == "share"),
        generation,
    )


def _duals(file: PlanFile) -> Duals:
    return Duals(file.mu, **_by_kind(file, "price", 0.0))


def _odds(file: PlanFile) -> LogOdds | None:
    if file.calibration is None:
        return None
    names = tuple(entry.name for entry in file.attributes)
    return LogOdds.from_dict(file.calibration.log_odds, names, file.labels)


def _by_kind(
    file: PlanFile, of: Literal["tolerance", "price"], absent: float
) -> dict[Kind, NDArray[np.float64]]:
    """A number of each constraint, by kind; `absent` where the file has none."""
    numbers = ((row.constraint, getattr(row, of)) for row in file.constraints)
    names = [entry.name for entry in file.attributes]
    return arranged(numbers, names, file.labels, absent, _of_generation(file))


def _of_generation(file: PlanFile) -> bool:
    """Whether something is asked of what the plan adds, by itself."""
    return any(row.generation for row in file.constraints)
