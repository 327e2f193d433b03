"""What a run has to do: what of an output is kept, what is made again, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from jobs.session.begun import StageBegun, WorkFile, read_begun
from jobs.session.console import say
from jobs.session.labelled import (
    Labels,
    all_of,
    forget_joins,
    keep_settings,
    labels_of,
    require_own_settings,
    withdraw_lost,
)
from jobs.session.outputs import Outputs, outputs_of
from transforms.base.counts import counted
from transforms.base.differences import differing, in_words
from transforms.base.errors import ConfigError, FairshardError
from transforms.base.redaction import redacted_values
from transforms.config.sections import Config
from transforms.config.writers import WRITERS
from transforms.labels.records import LabelRecord
from transforms.plan.fingerprint import fingerprint, unlabelled
from transforms.plan.plan import (
    Plan,
    lost_part,
    read_histogram,
    read_plan,
    read_without_flips,
)
from transforms.resampling.growing import Before
from transforms.resampling.manifest import is_of, manifest_on_file, packing_apart, packing_of
from transforms.resampling.ownership import number_of, recorded
from transforms.resampling.shards_file import read_kept
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage
from transforms.storage.shared_labels import keep_place

_IN_WORDS = {
    "inputs": "the input",
    "labels": "the labels",
    "written": "what is written",
}
STAGES_OF = {
    "label": ("label",),
    "solve": ("solve",),
    "resample": ("resample",),
    "rebalance": ("label", "solve", "resample"),
}


def stages_of(command: str, config: Config) -> tuple[str, ...]:
    """The stages that a command runs; ConfigError where there are no shards to write it from."""
    if not config.input.tables:
        return STAGES_OF[command]
    stages = tuple(stage for stage in STAGES_OF[command] if stage != "resample")
    if not stages:
        raise ConfigError(no_shards(config))
    return stages


def no_shards(config: Config) -> str:
    """What comes of a corpus of tables."""
    return (
        "input.tables has no shards to copy samples from: labels and the plan are what is made; "
        f"`fairshard export {config.output.url} weights` writes the weight of every row, and "
        "`datacomp` the uids of those that are kept"
    )


@dataclass(frozen=True)
class Work:
    """What the `stages` asked for have to do in an output.

    plan is the one on file, where it fits the labels and the configuration; complete says whether
    the output is what it asks for. The lines on both say so, or why not. as_before: whether the
    plan on file is of this configuration and input: it fits once labels that are lost are made.
    before: the generations that are written, where the output grows.
    """

    config: Config
    stages: tuple[str, ...]
    labels: Labels
    plan: Plan | None
    plan_line: str
    complete: bool
    output_line: str
    outputs: Outputs
    as_before: bool
    before: Before

    @property
    def storage(self) -> Storage:
        """The output."""
        return output_storage(self.config.output)

    @property
    def records(self) -> list[LabelRecord]:
        """The records of all shards; FairshardError where some are not labelled."""
        return all_of(self.labels, self.config)

    @property
    def lines(self) -> Iterator[str]:
        """A line each for what is kept and what is made, and why."""
        if "label" in self.stages:
            yield from self.labels.lines
        if "solve" in self.stages:
            yield self.plan_line
        if "resample" in self.stages:
            yield from self.outputs.lines
            yield self.output_line

    def afresh(self) -> "Work":
        """The same, if nothing counted of what the stages asked for have made."""
        labels = self.labels.afresh() if "label" in self.stages else self.labels
        plan, plan_line = self.plan, self.plan_line
        if labels.missing or "solve" in self.stages:
            plan, plan_line = None, "the plan is made again: --restart"
        return replace(
            self,
            labels=labels,
            plan=plan,
            plan_line=plan_line,
            complete=False,
            output_line="the output is written again: --restart",
            outputs=Outputs(None, 0, {}, ()),
            as_before=False,
        )

    def begin(self, console: Console) -> None:
        """Say what is to be done, and put on file how far the stages are before it."""
        for line in self.lines:
            say(console, line)
        if "label" in self.stages:
            require_own_settings(self.labels, self.config)
            if self.labels.missing:
                withdraw_lost(self.labels, self.storage)
            forget_joins(self.labels, self.storage)
            keep_settings(self.config, self.storage)
        own = (shard.name for shard in self.labels.shards)
        keep_place((*self.before.names, *own), self.storage)
        if "resample" in self.stages:
            self.outputs.withdraw(self.storage)
        begun = {stage: self._begun(stage) for stage in self.stages}
        stages = {**read_begun(self.storage).stages, **begun}
        work = WorkFile(form=1, stages=stages, packing=packing_of(self.config))
        self.storage.publish(paths.WORK, work.to_json())

    def _begun(self, stage: str) -> StageBegun:
        """The stage as it begins now."""
        if stage == "label":
            records, shards = self.labels.records, self.labels.shards
            found = self.storage.versions(paths.LABEL_RECORDS)
            return StageBegun(
                total=len(shards),
                done=len(records),
                samples=sum(record.samples for record in records.values()),
                seen={
                    name: version
                    for name, version in found.items()
                    if name.removesuffix(paths.RECORD) not in records
                },
            )
        kept = self.plan is not None
        if stage == "solve":
            return StageBegun(total=1, seen={} if kept else self.storage.versions(paths.PLANS))
        ending = f".{WRITERS[self.config.output.format].extension}"
        ours = {
            name
            for name, shard in recorded(self.storage).items()
            if shard.endswith(ending) and (number_of(shard) or 0) >= self.before.first
        }
        found = self.storage.versions(paths.OUTPUT_RECORDS)
        stale = {name: found[name] for name in found if not kept or name not in ours}
        return StageBegun(total=None, seen=stale)


def work_on(
    config: Config, shards: Sequence[Shard], stages: tuple[str, ...], before: Before | None = None
) -> Work:
    """What `stages` have to do for `shards`.

    before: what is written, where that is not on file as the generation that it would be.
    """
    storage = output_storage(config.output)
    before = before or Before.of([shard.name for shard in shards], config)
    labels = labels_of(config, shards)
    written = {*before.names, *_written_from(config, storage)}
    labels = replace(labels, gone=tuple(name for name in labels.gone if name not in written))
    found, plan_line = _on_file(storage)
    as_before = (
        found is not None
        and labels.only_lost
        and not _changed_but_labels(found, config, labels.shards)
    )
    plan = None
    if found is not None:
        plan, plan_line = _fitting(found, config, labels, as_before)
    outputs = outputs_of(storage, before.first)
    complete, output_line = _written(config, plan, outputs)
    return Work(
        config, stages, labels, plan, plan_line, complete, output_line, outputs, as_before, before
    )


def _written_from(config: Config, storage: Storage) -> Iterator[str]:
    """The input shards of an output that is to grow, whether it is on file as a generation or not.

    A run that adds to it is told of what is new alone.
    """
    manifest = manifest_on_file(storage) if config.output.grows else None
    yield from (entry.shard for entry in manifest.inputs) if manifest else ()


def _on_file(storage: Storage) -> tuple[Plan | None, str]:
    """The plan on file, where it is whole; if not, the line on it."""
    if not storage.exists(paths.PLAN):
        return None, "the plan is to be made: there is none yet"
    try:
        if fault := lost_part(read_without_flips(storage), storage):
            return None, f"the plan is made again: {fault}"
        plan = read_plan(storage)
        read_histogram(storage, plan)
        read_kept(plan, storage)
    except FairshardError:
        return None, "the plan is made again: the one on file cannot be read"
    return plan, ""


def _fitting(
    plan: Plan, config: Config, labels: Labels, as_before: bool
) -> tuple[Plan | None, str]:
    """The plan, where it fits, and the line on it."""
    if as_before:
        return None, "the plan is kept, if the labels come out as they were"
    if labels.missing:
        return None, "the plan is made again: labels are made"
    made_from = fingerprint(config, list(labels.records.values()))
    why = _changed(plan, config, made_from)
    if why:
        return None, f"the plan is made again: {why}"
    of = plan.file.transferred
    return plan, f"the plan is kept, which is that of {of.output}" if of else "the plan is kept"


def _changed_but_labels(plan: Plan, config: Config, shards: Sequence[Shard]) -> str:
    """What a plan was made from that has changed, whatever the labels are."""
    labels = {part: made for part, made in plan.fingerprint.items() if part == "labels"}
    return _changed(plan, config, unlabelled(config, shards) | labels)


def _changed(plan: Plan, config: Config, at_hand: Mapping[str, str]) -> str:
    """What of the things that a plan was made from has changed; "" where nothing has."""
    parts = differing(dict(plan.fingerprint), dict(at_hand))
    given, before = redacted_values(config.model_dump(mode="json")), plan.file.config
    changed: list[str] = []
    for part in parts:
        name = part.removeprefix("config.")
        if part == name:
            changed.append(_IN_WORDS.get(part, f"the {part}"))
        else:
            changed += differing({name: before.get(name)}, {name: given.get(name)}) or [name]
    return f"{in_words(changed)} changed" if changed else ""


def _written(config: Config, plan: Plan | None, outputs: Outputs) -> tuple[bool, str]:
    """Whether the output is complete, and the line on it."""
    manifest, there = outputs.manifest, outputs.recorded
    if manifest is None:
        if plan is not None and there:
            return (
                False,
                f"the output is written: of {counted(there, 'shard')}, this plan's are kept",
            )
        if not there:
            return False, "the output is to be written: there is none yet"
        return False, "the output is written again: the plan is made again"
    if plan is None or manifest.plan != plan.identity:
        return False, "the output is written again, unless the new plan is the same"
    if not is_of(manifest, plan, config):
        keys = packing_apart(manifest.packing.to_dict(), config)
        if keys == ["output.beside"]:
            return False, "shards are kept, what lies beside them is not: output.beside changed"
        return False, f"the output is written again: {in_words(keys)} changed"
    kept = len(manifest.shards) - len(outputs.faults)
    return outputs.whole, f"the output of {counted(kept, 'shard')} is kept"
