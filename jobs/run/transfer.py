"""The job that applies a plan to another corpus: what bias comes of it, then its plan on file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console

from jobs.run import label
from jobs.run.running import in_session
from jobs.session.applied_lines import (
    applied_in_values,
    met_in_values,
    new_patterns,
    samples_of,
    say_applied,
)
from jobs.session.console import say
from jobs.session.corpus_histogram import Seen, counted_patterns
from jobs.session.inputs import input_of
from jobs.session.labelled import all_label_records
from jobs.session.options import located, read_checked
from transforms.base.errors import FairshardError, StaleError
from transforms.base.redaction import redacted_url
from transforms.calibration.posteriors import fitting_calibration
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.generations.on_file import generations_of
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import check_rejects
from transforms.outcome.applied_rows import applied_rows, applied_shares
from transforms.plan.balanceable import check_balanceable
from transforms.plan.plan import Plan, plan_from, read_histogram, read_plan, write_plan
from transforms.plan.transfer import Transfer, check_same_names, transferred
from transforms.plan.transferred_file import TransferredFrom
from transforms.plan.transferring import transferred_plan
from transforms.stages.engine import Engine
from transforms.statistics.counting import accumulator_for
from transforms.statistics.histogram import Histogram
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage
from transforms.storage.shared_labels import opened
from transforms.storage.wellformed import well_formed

_CONFIGURATIONS = (".yaml", ".yml")


@dataclass(frozen=True)
class GivenPlan:
    """A plan that was named, where it lies, and the patterns that it was solved on, if these lie
    with it.
    """

    plan: Plan
    output: str
    known: Histogram | None

    @classmethod
    def of(cls, target: str, options: Mapping[str, Any]) -> Self:
        """The plan of an output (its URL, its configuration or its plan.json), or one apart.

        options are those of the storage that it is on.
        """
        if target.endswith(_CONFIGURATIONS):
            return cls._in(output_storage(read_checked(Path(target)).output))
        url = located(target, "plan")
        if not url.endswith(paths.RECORD):
            return cls._in(opened(url, dict(options)))
        folder, _, name = url.rpartition("/")
        of_output = url.removesuffix(f"/{paths.PLAN}")
        if of_output != url:
            return cls._in(opened(of_output, dict(options)))
        storage = Storage(folder, dict(options))
        with well_formed(
            f"{target} is not a plan: give the output that it is of, or its plan.json"
        ):
            return cls(plan_from(storage.read(name), target), url, None)

    @classmethod
    def _in(cls, storage: Storage) -> Self:
        plan = read_plan(storage)
        try:
            known: Histogram | None = read_histogram(storage, plan)[0]
        except FairshardError:
            known = None
        return cls(plan, storage.url, known)

    def origin(self, new: float | None) -> TransferredFrom:
        """What is put on file of where a plan is from."""
        samples = self.plan.file.samples.balanced
        told = {} if new is None else {"new_patterns": new}
        return TransferredFrom(
            plan=self.plan.identity, output=redacted_url(self.output), samples=samples, **told
        )


def run(
    target: str,
    config: Config,
    runner: Engine,
    console: Console,
    run_id: str,
    check: bool = False,
    restart: bool = False,
) -> dict[str, Any]:
    """Measure the plan named `target` on the corpus of `config`, then write it as that one's plan.

    check: of labels that are there, and nothing is written. restart: a plan that was solved for
    this corpus is replaced.
    """
    given = GivenPlan.of(target, config.output.storage_options)
    check_same_names(given.plan, accumulator_for(schema_of(config)).extract())
    if check:
        found = input_of(config, console)
        records = all_label_records(config, found.shards)
        return _measured(given, config, records, console)[0]
    _require_room(given.plan, config, restart)
    with in_session("transfer", ("label", "solve"), config, run_id) as (inputs, ending):
        found = input_of(config, console, inputs)
        label.run(config, runner, console, found)
        records = all_label_records(config, found.shards)
        summary, seen, new = _measured(given, config, records, console)
        if seen.histogram.samples != seen.samples:
            raise FairshardError(
                f"the corpus has more than balance.max_patterns = {config.balance.max_patterns:,} "
                "patterns, and a plan is transferred to all of them: raise it, or give --check to "
                "measure the plan on a part"
            )
        origin = given.origin(new)
        plan = transferred_plan(given.plan, origin, seen.histogram, records, config, seen.filtered)
        storage = output_storage(config.output)
        write_plan(*plan, storage)
        ending["met"] = summary["met"]
        return {**summary, "written": storage.path(paths.PLAN)}


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print it for people."""
    say(
        console,
        f"the plan of {summary['plan']} on {samples_of(summary['shards'], summary['samples'])}"
        f" ({summary['seen']})",
    )
    say_applied(summary, console)
    if summary["new_patterns"] is not None:
        say(console, new_patterns(summary["new_patterns"]))
    say(
        console,
        f"the plan keeps them at a rate of {summary['rate']:.4f} (its eta is {summary['eta']:g})",
    )
    met = (
        "all bounds of the plan are met" if summary["met"] else "not all bounds of the plan are met"
    )
    say(console, f"{met}; it was not solved for this corpus, and no weights are said to be best")
    if summary["written"]:
        say(console, f"plan: {summary['written']}; `fairshard resample` writes by it")
    else:
        say(console, "nothing was written: this is a check")


def _require_room(plan: Plan, config: Config, restart: bool) -> None:
    """Raise FairshardError where a plan cannot be written as the one of an output."""
    storage = output_storage(config.output)
    if plan.odds is not None or config.calibration is not None:
        raise FairshardError(
            "a plan that is corrected by a calibration holds for the recognisers that this was "
            "made with: `fairshard transfer --check` measures it, `fairshard solve` makes a plan "
            "for this corpus"
        )
    if generations_of(storage):
        raise FairshardError(
            f"{storage.url} has grown by generations, each with its own plan: give another output "
            "(--output), or --check to measure alone"
        )
    if restart or not storage.exists(paths.PLAN):
        return
    try:
        own = read_plan(storage).file.transferred is None
    except FairshardError:
        own = False
    if own:
        raise StaleError(
            f"{storage.path(paths.PLAN)} was solved for this corpus, and would be replaced: give "
            "another output (--output), --check to measure alone, or --restart to replace it"
        )


def _measured(
    given: GivenPlan, config: Config, records: Sequence[LabelRecord], console: Console
) -> tuple[dict[str, Any], Seen, float | None]:
    """The figures for programs; what was counted, and the share of samples of new patterns."""
    check_rejects(records, config)
    seen = counted_patterns(config, records, console)
    check_balanceable(seen.histogram, records, config, seen.filtered)
    terms, plan = given.plan.terms, given.plan
    known, calibration = given.known or seen.histogram, fitting_calibration(config)
    found: Transfer = transferred(plan, known, seen.histogram, terms.attributes, calibration)
    new = None if given.known is None else found.new
    applied = applied_in_values(
        applied_rows(found.measures, found.errors, plan.asked, terms.attributes, terms.labels),
        applied_shares(found.measures, terms.shares, terms.attributes, terms.labels),
    )
    summary = {
        "plan": redacted_url(given.output),
        "shards": len(records),
        "samples": seen.samples,
        "seen": seen.in_words,
        **applied,
        "new_patterns": new,
        "rate": found.rate,
        "eta": terms.eta,
        "met": met_in_values(applied),
        "output": config.output.url,
        "written": None,
    }
    return summary, seen, new
