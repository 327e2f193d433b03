"""A run of stages from its lease to its record, whoever asks for it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from jobs.run import label, rebalance, resample, solve
from jobs.session.console import say
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
    command: str, config: Config, runner: Engine, console: Console, run: str, restart: bool = False
) -> dict[str, Any]:
    """Run the job of `command` under the id `run`; its summary.

    restart: what its stages have made is discarded first.
    """
    stages, storage = stages_of(command, config), output_storage(config.output)
    afresh = restart and "label" in stages
    with in_session(command, stages, config, run, afresh) as (inputs, ending):
        if restart:
            shards = None if storage.labels is None else found_apart(config).shards
            discards = discards_of(stages, storage, shards)
            for entry in discards:
                say(console, entry.line)
            discard(discards, storage)
        summary = JOBS[command](config, runner, console, inputs)
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
