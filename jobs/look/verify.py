"""The job that recomputes an output from its labels, plan and shards, and says what agrees."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table
from rich.text import Text

from jobs.look.own_config import require_own
from transforms.base.counts import counted
from transforms.config.sections import Config
from transforms.storage.files import Storage
from transforms.verification.evidence import read_evidence
from transforms.verification.generations import verify_output
from transforms.verification.verifying import Step

_QUIET_SECONDS = 2.0
_COLOURS = {"agrees": "green", "differs": "red", "not checked": "yellow"}


def run(
    storage: Storage,
    config: Config | None,
    origin: str,
    sample: int | None,
    inputs: bool,
    console: Console,
) -> dict[str, Any]:
    """Verify the output in `storage`; its checks, and whether all that was checked agrees.

    `config` gives the options of the storage that the input is on. Raises ConfigError, which names
    its `origin`, where it is not the one that the output was made with. `inputs`: whether the
    samples of the input are counted.
    """
    options = config.input.storage_options if config else {}
    evidence = read_evidence(storage, options)
    if config is not None:
        require_own(evidence, config, origin)
    with _progress(console) as step:
        checks = verify_output(evidence, sample, step, inputs)
    return {
        "output": storage.url,
        "agrees": not any(check.differences for check in checks),
        "checks": [
            {
                "name": check.name,
                "question": check.question,
                "checked": check.checked,
                "unit": check.unit,
                "result": check.result,
                "differences": check.differences,
                "remark": check.remark,
            }
            for check in checks
        ],
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print the checks as a table."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("check", "what was checked", "how many", "result", "remark"):
        table.add_column(heading, justify="right" if heading == "how many" else "left")
    for check in summary["checks"]:
        table.add_row(
            Text(check["name"]),
            Text(check["question"]),
            counted(check["checked"], check["unit"].removesuffix("s")),
            Text(check["result"], _COLOURS[check["result"]]),
            Text(check["remark"]),
        )
    console.print(f"verification of {summary['output']}", highlight=False, soft_wrap=True)
    console.print(table)
    results = [check["result"] for check in summary["checks"]]
    left_out = results.count("not checked")
    verdict = (
        "all that was checked agrees"
        if summary["agrees"]
        else f"{results.count('differs'):,} of {counted(len(results), 'check')} found a difference"
    )
    rest = f"; {counted(left_out, 'check')} could not be done, or not in full" if left_out else ""
    console.print(f"{verdict}{rest}", highlight=False)


@contextmanager
def _progress(console: Console) -> Iterator[Step]:
    """Bars for what takes more than a moment."""
    began = time.monotonic()
    tasks: dict[str, TaskID] = {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:

        def step(name: str, done: int, total: int) -> None:
            if time.monotonic() - began >= _QUIET_SECONDS:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total)
                progress.update(tasks[name], completed=done)

        yield step
