"""All checks of an output, in the order of its making."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.verification.asked import check_asked
from transforms.verification.beside import check_sizes
from transforms.verification.bias import BiasTally, check_drawn, check_figures
from transforms.verification.carriers import CarrierTally, check_filtered, check_groups
from transforms.verification.chain import check_chain
from transforms.verification.checks import Check
from transforms.verification.drawing import DrawingChecks, check_totals
from transforms.verification.evidence import (
    WEBDATASET,
    Evidence,
    ShardFigures,
)
from transforms.verification.inputs import check_input
from transforms.verification.keys import Hashes, check_across
from transforms.verification.labels import (
    Corpus,
    Counter,
    check_table,
    read_patterns,
    read_table,
)
from transforms.verification.origins import origin_of
from transforms.verification.output import OutputChecks, VerifiedOutput
from transforms.verification.sampled import check_sampled, in_sample
from transforms.verification.shortfall import check_shortfall
from transforms.verification.solution import (
    MOMENT_TOLERANCE,
    Weighed,
    check_certificate,
    check_patterns,
    check_rate,
    check_weights,
    weighed,
)
from transforms.verification.stated import Stated
from transforms.verification.union import constants, written_before
from transforms.verification.written import check_drawn_figures, check_met

Step = Callable[[str, int, int], None]
_RATE_TOLERANCE = 1e-5


@dataclass(frozen=True)
class Verified:
    """The checks of an output; what was read of all that it holds, or nothing of a part.

    predicted tallies the samples under the plan's weights, said is what the plan says was written
    before it.
    """

    checks: tuple[Check, ...]
    stated: Stated
    said: BiasTally | None
    predicted: BiasTally
    drawing: DrawingChecks | None = None
    hashes: Mapping[str, Hashes] = field(default_factory=dict)


def verify(
    evidence: Evidence, sample: int | None, step: Step, inputs: bool = True
) -> tuple[Check, ...]:
    """Every check of an output of one corpus, all of it or `sample` of its shards.

    `inputs`: whether the input's samples are counted again, where all is checked.
    `step` is told what is done: the name of the step, how much of it is done, and how much there
    is. Raises FairshardError where what lies in the output cannot be read at all.
    """
    return verified(evidence, sample, step, inputs).checks


def verified(evidence: Evidence, sample: int | None, step: Step, inputs: bool = True) -> Verified:
    """The same, and what was read for it."""
    try:
        stated = Stated.by(evidence.plan)
        said = written_before(evidence.plan, stated)
    except ValueError as error:
        raise FairshardError(
            f"{evidence.storage.path(paths.PLAN)} contradicts itself: {error}"
        ) from error
    chain = Check("records", "plan, labels and output are of one run", "digests")
    check_chain(evidence, chain)
    corpus, whole, carriers, labels = _counted(evidence, stated, said, step)
    given = _inputs(evidence, inputs, sample is None, step)
    predicted, of_plan = _of_plan(evidence, stated, said, corpus, whole, step)
    check_filtered(evidence.plan, carriers, of_plan[0])
    begin = (chain, labels, given, *of_plan)
    if evidence.written is None:
        of_tables = _of_tables(evidence, stated, predicted, step)
        return Verified((*begin, *of_tables), stated, said, predicted)
    return _of_output(evidence, Verified(begin, stated, said, predicted), sample, step)


def _counted(
    evidence: Evidence, stated: Stated, said: BiasTally | None, step: Step
) -> tuple[Corpus, Weighed | None, CarrierTally, Check]:
    """The patterns that the plan was solved on and, where these are a sample, sums over all; how
    many rows carry each name.
    """
    check = Check("labels", "label and reject tables are those that were recorded", "shards")
    counter, sampled = Counter(), evidence.plan.sampled
    whole = Weighed(stated, constants(stated, said)) if sampled else None
    carriers = CarrierTally.empty(stated, len(evidence.plan.config.filter))
    conditions = evidence.plan.config.filter
    records = evidence.records.values()
    for done, record in enumerate(records):
        step("labels", done, len(records))
        table = check_table(evidence, record, check)
        first = 0
        for part in table.labelled(stated, conditions):
            carriers.add(part)
            if sampled and whole:
                whole.add(part.rows, part.balanced.astype(np.float64))
                stem = record.shard.stem
                drawn = in_sample(stem, first, len(part.balanced), sampled.share)
                counter.add(replace(part, balanced=part.balanced & drawn))
                first += len(part.balanced)
            else:
                counter.add(part)
    return counter.corpus(), whole, carriers, check


def _inputs(evidence: Evidence, wanted: bool, whole: bool, step: Step) -> Check:
    check = Check("inputs", "every sample of the input is labelled or rejected", "samples")
    if not wanted:
        check.skip("samples of the input were not counted, as asked")
    elif not whole:
        check.skip("samples of the input were not counted, as only some shards are read")
    records = evidence.records.values()
    for done, record in enumerate(records):
        step("inputs", done, len(records))
        check_input(evidence, record, wanted and whole, check)
    return check


def _of_plan(
    evidence: Evidence,
    stated: Stated,
    said: BiasTally | None,
    corpus: Corpus,
    whole: Weighed | None,
    step: Step,
) -> tuple[BiasTally, tuple[Check, ...]]:
    plan, written = evidence.plan, constants(stated, said)
    patterns = Check("patterns", "patterns and samples, counted again", "patterns")
    weights = Check("weights", "q follows from prices and labels, E[q] = eta", "patterns")
    certificate = Check("certificate", "primal, dual, gap and violation, computed again", "figures")
    bias = Check("bias predicted", "RB, AB and skew from their definitions", "figures")
    asked = Check("what was asked", "the plan meets it, or says what it cannot", "bounds")
    listed = read_patterns(evidence.storage, len(stated.columns))
    listed_q = check_patterns(corpus, listed, stated, patterns)
    done = 0

    def weighing(rows: int) -> None:
        nonlocal done
        done += rows
        step("weights", done, len(corpus.counts))

    mine, of_patterns = weighed(corpus, stated, weighing, written)
    over_all = whole or of_patterns
    solution, before, predicted = over_all.solved(), over_all.before, over_all.predicted
    _check_samples(evidence, corpus, round(solution.samples), patterns)
    check_sampled(plan, corpus, round(solution.samples), patterns)
    rate = check_weights(corpus, listed_q, mine, stated, weights)
    if plan.transferred:
        check_rate(rate, np.inf, stated, weights)
    elif plan.sampled:
        tolerance = _RATE_TOLERANCE if plan.sampled.polished else np.inf
        check_rate(solution.certificate.rate, tolerance, stated, weights)
    else:
        check_rate(rate, MOMENT_TOLERANCE, stated, weights)
    check_certificate(plan, solution, stated, certificate)
    check_shortfall(plan, corpus, solution, stated, certificate, written)
    check_figures(before, plan.measures.before, "before", bias)
    check_figures(predicted, plan.measures.predicted, "predicted", bias)
    if plan.transferred:
        asked.skip(f"the plan is that of {plan.transferred.output}, solved for another corpus")
    else:
        check_asked(plan, stated, solution, before, predicted, asked, said)
    return predicted, (patterns, weights, certificate, bias, asked)


def _check_samples(evidence: Evidence, corpus: Corpus, samples: int, check: Check) -> None:
    labelled = sum(record.samples for record in evidence.records.values())
    found = {
        "labelled": labelled,
        "filtered": labelled - samples,
        "balanced": samples,
        "rejected": sum(record.rejects for record in evidence.records.values()),
        "patterns": len(corpus.counts),
    }
    said = evidence.plan.samples.model_dump()
    check.found = counted(samples, "sample")
    if said != found:
        check.differ(f"plan.json says samples are {said}, the tables have {found}")


def _of_tables(
    evidence: Evidence, stated: Stated, predicted: BiasTally, step: Step
) -> tuple[Check, ...]:
    """What is drawn of a corpus of tables: its plan says how often, and nothing is written."""
    nothing = Check("shards", "what was written", "shards")
    nothing.skip("the corpus is of tables, of which no shards are written")
    if evidence.plan.draw is None:
        return (nothing,)
    draw = Check("draw", "what the plan says of the rows it draws", "samples")
    drawing = DrawingChecks.empty(evidence, stated, predicted, draw, nothing)
    for done, record in enumerate(evidence.records.values()):
        step("draw", done, len(evidence.records))
        table = read_table(evidence.storage, paths.labels(record.shard.name))
        drawing.derive(origin_of(record, table))
    met = _met_check()
    check_drawn_figures(drawing, met)
    check_met(evidence.plan, stated, drawing.after, met)
    return (draw, met, nothing)


def _met_check() -> Check:
    return Check("as drawn", "what is drawn, and meets, is what the plan says", "figures")


def _of_output(evidence: Evidence, of_plan: Verified, sample: int | None, step: Step) -> Verified:
    manifest, stated, predicted = evidence.manifest, of_plan.stated, of_plan.predicted
    reading = OutputChecks(
        Check("shards", "size, sha256, a well-formed tar, number of samples", "shards"),
        Check("keys", "unique within a shard, and over the output", "samples"),
        Check("order", "samples come in the order of the input, each from its origin", "samples"),
        Check("payloads", "byte for byte those of the input shards", "samples"),
        Check("beside", "tables and sizes beside the shards say what these hold", "rows"),
    )
    conservation = Check("conservation", "in = kept + dropped + rejected, everywhere", "sums")
    draw = Check("draw", "copies follow the weights, by sample, pattern and shard", "samples")
    bias = Check("bias after", "RB, AB and skew of the samples written", "figures")
    but = ", but for flips," if evidence.plan.draw and evidence.plan.draw.flips else ""
    chance = Check("sampling", f"after{but} is within drawing error of the weights", "figures")
    drawing = DrawingChecks.empty(evidence, stated, predicted, draw, conservation)
    met = _met_check()
    chosen, tars = _chosen(manifest.shards, sample), manifest.format == WEBDATASET
    whole = tars and len(chosen) == len(manifest.shards)
    _check_names(evidence, reading.shards)
    check_totals(manifest, conservation)
    check_sizes(evidence, reading.beside)
    output = VerifiedOutput(evidence, stated, reading, drawing.settle if whole else None)
    for done, shard in enumerate(chosen):
        step("output", done, len(chosen))
        output.read(shard)
    if whole:
        output.finish()
        check_across(evidence, output.hashes, reading.keys)
        check_figures(drawing.after, manifest.measures, "after", bias)
        if manifest.as_labelled and stated.odds:
            check_figures(drawing.labelled, manifest.as_labelled, "as labelled", bias)
        check_groups(manifest, drawing.groups, bias)
        check_drawn_figures(drawing, met)
        check_met(evidence.plan, stated, drawing.after, met, of_plan.said)
        unflipped = drawing.after.minus(drawing.moved)
        check_drawn(unflipped, drawing.expected, drawing.variance, chance)
    elif not tars:
        why = f"what files of the format {manifest.format!r} hold is not read"
        for check in (reading.keys, reading.order, reading.payloads, draw, bias, met, chance):
            check.skip(why)
        reading.shards.skip(f"size and sha256 alone are compared: {why}")
    else:
        all_shards = counted(len(manifest.shards), "shard")
        why = f"{len(chosen):,} of {all_shards} were read, and this needs all"
        for check in (draw, bias, met, chance):
            check.skip(why)
        reading.keys.skip(f"unique within each shard; {why}")
        reading.shards.found = f"{len(chosen):,} of {counted(len(manifest.shards), 'output shard')}"
    checks = (
        *of_plan.checks,
        *(reading.shards, reading.keys, reading.order, reading.payloads),
        *([reading.beside] if manifest.beside else []),
        *(conservation, draw, bias),
        *([met] if evidence.plan.draw else []),
        chance,
    )
    if not whole:
        return replace(of_plan, checks=checks)
    return replace(of_plan, checks=checks, drawing=drawing, hashes=output.hashes)


def _check_names(evidence: Evidence, check: Check) -> None:
    manifest = evidence.there
    listed = {shard.name for shard in manifest.shards}
    endings = {f".{name.partition('.')[2]}" for name in listed}
    if manifest.format == WEBDATASET:
        endings = {".tar"}
    for name in evidence.storage.names("shards"):
        if name.endswith(tuple(endings)) and f"shards/{name}" not in listed:
            check.differ(f"shards/{name} is in the output, and not in manifest.json")


def _chosen(shards: list[ShardFigures], sample: int | None) -> list[ShardFigures]:
    """As many shards as wanted, spread evenly; all where that is not said."""
    if sample is None or sample >= len(shards):
        return shards
    places = np.linspace(0, len(shards) - 1, sample).round().astype(int)
    return [shards[place] for place in places.tolist()]
