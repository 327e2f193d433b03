"""The job that says what a run would do, and does nothing."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from jobs.run.resample import fitting_plan
from jobs.session.console import say
from jobs.session.growing import Growth, as_one_corpus, growth_of, require_no_generations
from jobs.session.labelled import require_own_settings
from jobs.session.outputs import check_own
from jobs.session.restart import discards_of
from jobs.session.resume import Work, work_on
from transforms.base.counts import counted
from transforms.config.sections import Config
from transforms.shards.inputs import found_apart
from transforms.shards.left_out import as_json, in_words
from transforms.storage.files import output_storage

_SHOWN = 10


def run(
    config: Config, stages: tuple[str, ...], restart: bool, rebuild: bool = False
) -> dict[str, Any]:
    """What `stages` would do; FairshardError where they would refuse to begin."""
    config = as_one_corpus(config) if rebuild else config
    storage = output_storage(config.output)
    found = found_apart(config)
    check_own(stages, config)
    growth = None
    if config.output.grows:
        growth = growth_of(config, found)
    elif stages != ("label",) and not rebuild and not (restart and "resample" in stages):
        require_no_generations(config, found, withdraw=False)
    found = growth.found(found) if growth else found
    if growth is not None and not growth.new and stages != ("label",):
        return _nothing(growth, stages, storage.url)
    work = work_on(config, found.shards, stages, growth.before if growth else None)
    if "label" not in stages:
        records = work.records
        if stages == ("resample",):
            fitting_plan(config, records)
    shards = None if storage.labels is None else found.shards
    discards = discards_of(stages, storage, shards) if restart else []
    if restart:
        work = work.afresh()
    elif "label" in stages:
        require_own_settings(work.labels, config)
    reading = work.labels.reading if "label" in stages else {}
    grown = growth.lines if growth else ()
    aside = [in_words(found.left_out)] if found.left_out else []
    return {
        "left_out": as_json(found.left_out),
        "would_do": [*grown, *aside, *(entry.line for entry in discards), *work.lines],
        "stages": _redone(work),
        "shards": [
            {"shard": shard.name, "bytes": shard.bytes, "why": reading[shard.name]}
            for shard in work.labels.shards
            if shard.name in reading
        ],
        "output": storage.url,
    }


def _nothing(growth: Growth, stages: tuple[str, ...], output: str) -> dict[str, Any]:
    """What would be done where nothing is new."""
    return {
        "left_out": [],
        "would_do": [*growth.lines, "the output is complete: nothing to do"],
        "stages": dict.fromkeys(stages, False),
        "shards": [],
        "output": output,
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print it for people."""
    for line in summary["would_do"]:
        say(console, line)
    shards = summary["shards"]
    for entry in shards[:_SHOWN]:
        say(console, f"  {entry['shard']}  {entry['bytes'] / 1e6:,.1f} MB  {entry['why']}")
    if len(shards) > _SHOWN:
        say(console, f"  and {len(shards) - _SHOWN:,} more")
    if shards:
        whole = sum(entry["bytes"] for entry in shards)
        say(console, f"{counted(len(shards), 'shard')} of {whole / 1e6:,.1f} MB would be labelled")
    say(console, f"nothing was done to {summary['output']}: this is a dry run")


def _redone(work: Work) -> dict[str, bool]:
    """Whether each stage asked for would do anything."""
    has = {
        "label": bool(work.labels.missing),
        "solve": work.plan is None,
        "resample": not work.complete,
    }
    return {stage: has[stage] for stage in work.stages}
