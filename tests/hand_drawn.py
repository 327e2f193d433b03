"""Outputs whose plans flip samples that a test chose, and say what that gives."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.outputs import finished_output, resampled
from transforms.config.sections import Config
from transforms.labels.records import label_record_from
from transforms.plan.drawn_file import DrawnFigures, ShardsFile
from transforms.plan.flips import Flips, publish_flips
from transforms.plan.plan import Plan, read_plan
from transforms.resampling.drawing import keep_shard, weighed
from transforms.resampling.manifest import read_manifest
from transforms.resampling.shards_file import publish_kept
from transforms.statistics.measures import Measures, excesses_of_shares
from transforms.storage import paths
from transforms.storage.files import Storage


def hand_drawn(config: Config, every: int) -> Storage:
    """A finished output of which every so many samples of fractional weight are flipped.

    None where `every` is 0: its plan says what systematic sampling gives.
    """
    storage = finished_output(config)
    names = sorted(storage.names(paths.LABEL_RECORDS))
    records = [label_record_from(storage.read(f"{paths.LABEL_RECORDS}/{name}")) for name in names]
    plan = replace(read_plan(storage), flips=Flips())
    rows = {}
    for record in records:
        weights = weighed(record, plan, config, storage).table.column("q").to_numpy()
        fractional = np.flatnonzero(np.rint(weights * 2**32) % 2**32)
        rows[record.shard.name] = fractional[::every] if every else fractional[:0]
    flips = Flips(rows)
    file = plan.file.model_copy(
        update={
            "draw": DrawnFigures(
                copies=0,
                kept=0,
                measures=plan.file.measures.before,
                excess=0.0,
                flips=publish_flips(flips, storage),
            )
        }
    )
    plan = replace(plan, file=file, flips=flips)
    for shard in Path(storage.path("shards")).iterdir():
        shard.unlink()
    resampled(records, plan, config)
    kept = [keep_shard(record, plan, config, storage) for record in records]
    if config.output.bytes_per_shard is not None:
        kept = [entry for entry in kept if not len(flips.of(entry.shard))]
    publish_draw(plan, publish_kept(kept, config.output, storage), storage)
    return storage


def publish_draw(plan: Plan, shards: ShardsFile, storage: Storage) -> None:
    """Let plan.json say of the draw what the manifest has measured."""
    manifest = read_manifest(storage)
    draw = DrawnFigures(
        copies=manifest.totals.written,
        kept=manifest.totals.kept,
        measures=manifest.measures,
        as_labelled=manifest.as_labelled,
        excess=excess_of(manifest.measures, plan),
        flips=plan.file.draw.flips if plan.file.draw else None,
        shards=shards,
    )
    storage.publish(paths.PLAN, plan.file.model_copy(update={"draw": draw}).to_json())


def excess_of(found: Measures, plan: Plan) -> float:
    """The largest excess over a bound that is asked for."""
    terms = plan.terms
    above = [
        np.abs(getattr(found, name)) - getattr(plan.asked, name) for name in ("RB", "AB", "skew")
    ]
    shares = excesses_of_shares(found, terms.shares, terms.attributes, terms.labels)
    return max(0.0, *(float(np.nanmax(one, initial=0.0)) for one in (*above, shares)))
