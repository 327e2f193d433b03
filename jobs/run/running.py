"""A run of stages from its lease to its record, whoever asks for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from jobs.run import finish, label, rebalance, resample, solve
from jobs.session.console import say
from jobs.session.growing import (
    as_one_corpus,
    growth_of,
    require_no_generations,
    require_none_to_discard,
)
from jobs.session.lease import leased
from jobs.session.outputs import check_own
from jobs.session.restart import discard, discards_of
from jobs.session.resume import stages_of
from jobs.session.run_record import interruptible, recorded
from transforms.config.sections import Config
from transforms.shards.finding import Found
from transforms.shards.inputs import found_apart, found_if_told
from transforms.stages.engine import Engine
from transforms.storage.files import output_storage

JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "label": label.run,
    "solve": solve.run,
    "resample": resample.run,
    "rebalance": rebalance.run,
}


def run_command(
    command: str,
    config: Config,
    runner: Engine,
    console: Console,
    run: str,
    restart: bool = False,
    rebuild: bool = False,
) -> dict[str, Any]:
    """Run the job of `command` under the id `run`; its summary.

    restart: what its stages have made is discarded first. rebuild: an output that has grown is
    replaced by one of the whole input.
    """
    stages, storage = stages_of(command, config), output_storage(config.output)
    if rebuild:
        config = as_one_corpus(config)
    replacing = rebuild or (restart and "resample" in stages)
    if restart and config.output.grows:
        require_none_to_discard(storage)
    afresh = restart and "label" in stages
    with in_session(command, stages, config, run, afresh) as (inputs, ending):
        if restart:
            shards = None if storage.labels is None else found_apart(config).shards
            discards = discards_of(stages, storage, shards)
            for entry in discards:
                say(console, entry.line)
            discard(discards, storage)
        summary = _made(command, config, runner, console, inputs, replacing)
        ending["met"] = summary.get("met")
        return summary


@contextmanager
def in_session(
    command: str, stages: Sequence[str], config: Config, run: str, afresh: bool = False
) -> Iterator[tuple[Found | None, dict[str, Any]]]:
    """Hold the output in the block, as the run of a command of these `stages`.

    Yields the input, where it can be told, and what is to go on file with the end of the run.
    """
    with interruptible():
        inputs = found_if_told(config)
        check_own(stages, config)
        with leased(config, run, afresh), recorded(config, command, run) as ending:
            yield inputs, ending


def _made(
    command: str,
    config: Config,
    runner: Engine,
    console: Console,
    inputs: Found | None,
    replacing: bool,
) -> dict[str, Any]:
    """What the job of `command` makes; of an output that grows, of what is new alone."""
    growth = None
    if config.output.grows:
        inputs = inputs or found_apart(config)
        growth = growth_of(config, inputs)
    elif command != "label" and not replacing:
        require_no_generations(config, inputs or found_apart(config))
    if growth is None or inputs is None:
        return JOBS[command](config, runner, console, inputs)
    for line in growth.lines:
        say(console, line)
    if command == "label":
        before = growth.before if growth.new else None
        return label.run(config, runner, console, growth.found(inputs), before)
    growth.begin()
    if growth.new:
        return JOBS[command](config, runner, console, growth.found(inputs))
    return _as_it_is(command, config, console)


def _as_it_is(command: str, config: Config, console: Console) -> dict[str, Any]:
    """The summary of an output to which there is nothing to add."""
    if command == "solve":
        return {**solve.planned(output_storage(config.output)), "seconds": {}}
    made = finish.gated(config, {}) if command == "rebalance" else finish.run(config, {})
    say(console, "the output is complete: nothing to do")
    return {**made, "left_out": []}
