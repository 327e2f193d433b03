"""The gate after resampling: what must hold of an output, and the tables that say it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from transforms.gates.evaluating import evaluate
from transforms.gates.expectations import Expectation, Table, between, none
from transforms.gates.results import GateResult
from transforms.gates.users import placed
from transforms.outcome.artefacts import Artefacts
from transforms.outcome.generations import generation_rows
from transforms.outcome.measure_rows import MEASURES
from transforms.outcome.shares import bounded_shares
from transforms.outcome.status import SAMPLING_ERROR
from transforms.resampling.manifest import InputEntry, Manifest, Totals
from transforms.statistics.bounded import ROUNDING

_INPUTS = ("shard", "in", "kept", "dropped", "rejected", "unaccounted", "in_beyond_records")
_BIAS = ("measure", "after", "asked", "above_asked", "above_sampling", "above_allowed", "samples")
_SHARDS = ("shard", "samples", "bytes", "samples_above_target", "share_of_target_bytes")
_GENERATIONS = ("measure", "after", "asked", "above_asked", "written")
_ABOVE = "{measure} is {after}, {above_asked} above the {asked} asked for (of {samples} samples)"


_BY_ITSELF = "{measure} is {after}, {above_asked} above the {asked} asked for of all"


def output_suite(drawn: bool, grown: bool) -> list[Expectation]:
    """What is expected of an output.

    drawn: its plan says what is drawn. grown: it is of several generations.
    """
    allowed = f"what was asked, or predicted, plus {SAMPLING_ERROR}"
    if drawn:
        allowed = "what was asked, or what the plan says is drawn"
    found = [
        none("inputs", "unaccounted", "in = kept + dropped + rejected in every input shard"),
        none("inputs", "in_beyond_records", "input shards hold the samples of their records"),
        none("output", "unaccounted", "in = kept + dropped + rejected in all"),
        none("output", "written_unaccounted", "written = kept + repeats"),
        none("output", "samples_beyond_shards", "the shards' samples add up to those written"),
        none("output", "bytes_beyond_shards", "the shards' bytes add up to those written"),
        between("shards", "samples", "no output shard is empty", min_value=1),
        between(
            "shards",
            "samples_above_target",
            "output shards hold no more than asked for",
            max_value=0,
        ),
        between(
            "shards",
            "share_of_target_bytes",
            "output shards are at most twice as large as asked for",
            "warning",
            "{shard} is {share_of_target_bytes} times as large ({samples} samples)",
            max_value=2,
        ),
        between("bias", "above_allowed", f"bias after is within {allowed}", max_value=ROUNDING),
        between(
            "bias",
            "above_asked",
            "bias after is what was asked for",
            "warning",
            _ABOVE,
            max_value=ROUNDING,
        ),
    ]
    if grown:
        found.append(
            none(
                "generations",
                "above_asked",
                "each generation is by itself within what was asked for of all",
                "warning",
                _BY_ITSELF,
            )
        )
    return found


def gate_output(artefacts: Artefacts, own: Sequence[Expectation] = ()) -> GateResult:
    """Check a finished output by its manifest, plan and label records."""
    manifest = artefacts.manifest
    totals, shards = manifest.totals, manifest.shards
    row = {
        **totals.to_dict(),
        "shards": len(shards),
        "unaccounted": _unaccounted(totals),
        "written_unaccounted": totals.written - totals.kept - totals.repeats,
        "samples_beyond_shards": totals.written - sum(shard.samples for shard in shards),
        "bytes_beyond_shards": totals.bytes - sum(shard.bytes for shard in shards),
    }
    bias = pd.DataFrame(_bias(artefacts), columns=list(_BIAS))
    bias = bias.sort_values("above_asked", ascending=False, kind="stable", ignore_index=True)
    tables = {
        "inputs": Table(pd.DataFrame(_inputs(artefacts), columns=list(_INPUTS)), "shard"),
        "output": Table(pd.DataFrame([row])),
        "shards": Table(
            pd.DataFrame(_shards(manifest), columns=list(_SHARDS)), "shard", ("samples",)
        ),
        "bias": Table(bias, "measure", ("samples", "after", "asked", "above_asked")),
    }
    if artefacts.grown:
        found = pd.DataFrame(_generations(artefacts), columns=list(_GENERATIONS))
        counted = ("written", "after", "asked", "above_asked")
        tables["generations"] = Table(found, "measure", counted)
    columns = {name: table.columns for name, table in tables.items()}
    suite = output_suite(artefacts.drawn is not None, artefacts.grown)
    result = evaluate("output", tables, [*suite, *placed(own, columns, "output")])
    beyond = tuple(bias.measure[bias.above_sampling > ROUNDING])
    return replace(result, unmet=beyond or artefacts.plan.file.missed)


def _unaccounted(counts: Totals | InputEntry) -> int:
    return counts.in_ - counts.kept - counts.dropped - counts.rejected


def _inputs(artefacts: Artefacts) -> Iterator[tuple[Any, ...]]:
    recorded = {r.shard.name: r.samples + r.rejects for r in artefacts.records}
    for row in artefacts.manifest.inputs:
        beyond = row.in_ - recorded.get(row.shard, row.in_)
        counts = (row.in_, row.kept, row.dropped, row.rejected)
        yield row.shard, *counts, _unaccounted(row), beyond


def _shards(manifest: Manifest) -> Iterator[tuple[Any, ...]]:
    samples, size = manifest.packing.samples_per_shard, manifest.packing.bytes_per_shard
    for shard in manifest.shards:
        above = None if samples is None else shard.samples - samples
        share = None if size is None else shard.bytes / size
        yield shard.name, shard.samples, shard.bytes, above, share


def _bias(artefacts: Artefacts) -> Iterator[tuple[Any, ...]]:
    """A row for each bound that was asked for and can be measured, with the written samples that
    it is on: those that carry the label or, of a representation bias, all.

    Allowed is the bound, or what the plan draws where that cannot meet it; where the plan does not
    say that, what it predicts, and the standard errors of drawing whole samples.
    """
    names = [attribute.name for attribute in artefacts.attributes]
    labels = artefacts.histogram.labels
    written = artefacts.after.samples
    carriers = np.nan_to_num(artefacts.after.label_share) * written
    for measure in MEASURES:
        after, planned = (
            np.abs(getattr(found, measure))
            for found in (artefacts.after, artefacts.drawn or artefacts.predicted)
        )
        asked = getattr(artefacts.asked, measure)
        allowed = np.nan_to_num(getattr(artefacts.allowance, measure))
        beyond = (after - asked - allowed, after - np.fmax(asked, planned) - allowed)
        pairs = names if measure == "RB" else [f"{k} × {r}" for k, r in product(names, labels)]
        columns = (after, asked, after - asked, *beyond)
        samples = np.broadcast_to(written if measure == "RB" else carriers, after.shape).ravel()
        for name, carried, *values in zip(
            pairs, samples.tolist(), *(column.ravel().tolist() for column in columns), strict=True
        ):
            if not np.isnan(values).any():
                yield f"{measure} of {name}", *values, round(carried)
    for share in bounded_shares(artefacts):
        if share.status != "no data":
            name, above = f"{share.name}, {share.asked_in_words}", share.above
            beyond = (share.above_sampling, share.above_allowed)
            yield name, share.after, share.asked, above, *beyond, written


def _generations(artefacts: Artefacts) -> Iterator[tuple[Any, ...]]:
    """A row for each generation and measure that is bounded: what is most above, or nearest."""
    for row in generation_rows(artefacts.manifest, artefacts.plan):
        number, written = row.entry.number, row.entry.written
        for one in row.bias:
            name = f"{one.name} of generation {number} by itself ({one.of})"
            yield name, one.value, one.asked, one.excess, written
