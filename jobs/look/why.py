"""The job that says why a plan misses something, and looks for what is not known yet."""

from typing import Any

from rich.console import Console

from jobs.session.console import say
from jobs.session.ticking import ticking
from jobs.session.why import why_of
from transforms.base.deadline import Deadline
from transforms.m4.compiling import told_of_compiling
from transforms.plan.explaining import explain
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import read_plan
from transforms.storage import paths
from transforms.storage.files import Storage


def run(storage: Storage, seconds: float | None, console: Console) -> dict[str, Any]:
    """Why the plan on file misses something; FairshardError where there is no plan.

    What is known of it is gone on from, for no longer than so many `seconds`, and put on file.
    """
    plan = read_plan(storage)
    with ticking("explaining", console) as tick, told_of_compiling(lambda: tick("compiling once")):
        for _ in explain(plan, storage, Deadline(seconds)):
            pass
    known = explanation_of(plan, storage)
    return {
        "output": storage.url,
        "missed": list(plan.file.missed),
        "missed_in_words": plan.missed_in_words,
        "finding": known.finding if known else None,
        "complete": known.complete if known else True,
        "smallest": known.smallest if known else None,
        "not_sought": list(known.left) if known and not known.complete else [],
        **why_of(plan, storage),
        "explanation": storage.path(paths.EXPLANATION) if known else None,
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print it for people."""
    if not summary["missed"]:
        say(console, "the plan meets everything asked for: there is nothing to explain")
        return
    for line in (summary["missed_in_words"], *summary["why"]):
        say(console, line)
