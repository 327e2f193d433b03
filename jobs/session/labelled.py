"""Which input shards an output folder has labels of, from its completion records alone."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress

from jobs.session.old_names import as_labelled
from jobs.session.standing import (
    DAMAGED,
    LOSSES,
    LOST,
    NEW,
    OF_ONE,
    RESTART,
    of_all,
    phrase,
    standing_in,
)
from transforms.base.counts import counted, named
from transforms.base.errors import FairshardError, StaleError
from transforms.base.redaction import redacted_values
from transforms.config.sections import Config
from transforms.labels.layers import LABELS, RECOGNISED, Layer
from transforms.labels.leftovers import left_of_joins
from transforms.labels.records import LabelRecord, label_record_from
from transforms.labels.settings import joins_tables, settings_of
from transforms.recognition import settings as recognition
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage, output_storage


@dataclass(frozen=True)
class Labels:
    """How the labels of an output stand to its input.

    records: of the shards that are labelled as configured, by name. stale: of the others, why
    they are to be labelled, by name. gone: names of labelled shards that the input has no more.

    unread: where tables are joined to what is recognised in shards, why the shards that are to be
    read again are, by name; None where none are joined, and all that are stale are.
    """

    shards: tuple[Shard, ...]
    records: dict[str, LabelRecord]
    stale: dict[str, str]
    gone: tuple[str, ...]
    unread: dict[str, str] | None = None

    def afresh(self) -> "Labels":
        """The same, if nothing of it counted."""
        stale = dict.fromkeys((shard.name for shard in self.shards), RESTART)
        return replace(self, records={}, stale=stale, unread=None if self.unread is None else stale)

    @cached_property
    def missing(self) -> tuple[Shard, ...]:
        """The shards that are to be labelled."""
        return tuple(shard for shard in self.shards if shard.name in self.stale)

    @property
    def reading(self) -> Mapping[str, str]:
        """The shards whose samples are to be read, and why, by name."""
        return self.stale if self.unread is None else self.unread

    @property
    def to_read(self) -> int | None:
        """How many shards are to be read before tables are joined; None where none are."""
        return None if self.unread is None else len(self.unread)

    @property
    def given(self) -> tuple[Shard, ...]:
        """The shards that an engine labels: all where tables are joined, which match them all."""
        return self.missing if self.unread is None else self.shards

    @property
    def only_lost(self) -> bool:
        """Whether what is missing is missing alone: nothing that labels depend on has changed."""
        return bool(self.stale) and LOSSES.issuperset(self.stale.values())

    @property
    def of_other_settings(self) -> Counter[str]:
        """Of how many shards there are labels of other settings, by what differs."""
        whys = (why for why in self.stale.values() if why not in OF_ONE and why != RESTART)
        return Counter(whys)

    @property
    def lines(self) -> Iterator[str]:
        """What is kept, what is labelled, and why."""
        if self.unread is None or not self.stale:
            yield self._on_reading(self.stale)
        else:
            if self.unread:
                yield self._on_reading(self.unread)
            yield self._on_joining
        if self.gone:
            are = "shard is" if len(self.gone) == 1 else "shards are"
            yield f"{len(self.gone):,} labelled {are} not in the input any more: left aside"

    def _on_reading(self, stale: Mapping[str, str]) -> str:
        reasons, whole = Counter(stale.values()), len(self.shards)
        if not reasons:
            return f"the labels of {'all ' * (whole > 1)}{counted(whole, 'shard')} are kept"
        if reasons == {NEW: whole}:
            are = named(whole, "is", "are")
            return f"{counted(whole, 'shard')} {are} to be labelled: none is yet"
        if len(stale) == whole and len(reasons) == 1 and of_all(*reasons):
            return f"all labels are made again: {of_all(*reasons)}"
        why = ", ".join(phrase(*counted) for counted in sorted(reasons.items()))
        kept = f"; {whole - len(stale):,} are kept" if len(stale) < whole else ""
        again = " again" if reasons.keys() - {NEW} else ""
        are = named(len(stale), "is", "are")
        return f"{len(stale):,} of {counted(whole, 'shard')} {are} labelled{again}: {why}{kept}"

    @property
    def _on_joining(self) -> str:
        reasons, shards = Counter(self.stale.values()), counted(len(self.stale), "shard")
        if reasons.keys() == {NEW}:
            return f"tables are joined to the labels of {shards}"
        unread = "" if self.unread else "; no shard is read for it"
        why = of_all(*reasons) if len(reasons) == 1 and len(self.stale) == len(self.shards) else ""
        why = why or ", ".join(phrase(*counted) for counted in sorted(reasons.items()))
        return f"the labels of {shards} are joined again: {why}{unread}"


def labels_of(config: Config, shards: Sequence[Shard]) -> Labels:
    """How the labels in the output of `config` stand to `shards`."""
    storage = output_storage(config.output)
    on_file = {name.removesuffix(paths.RECORD) for name in storage.names(paths.LABEL_RECORDS)}
    shards = as_labelled(shards, on_file, storage)
    standing = standing_in(LABELS, *settings_of(config), shards, storage)
    stale = {name: found for name, found in standing.items() if isinstance(found, str)}
    return Labels(
        shards,
        {name: found for name, found in standing.items() if isinstance(found, LabelRecord)},
        stale,
        () if storage.labels else recorded_labels(on_file - standing.keys(), storage),
        _unread(config, shards if stale else (), storage) if joins_tables(config) else None,
    )


def _unread(config: Config, shards: Sequence[Shard], storage: Storage) -> dict[str, str]:
    """Those of `shards` whose samples are to be read before tables are joined to them, and why."""
    settings, keys = recognition.settings_digest(config), recognition.settings_by_key(config)
    standing = standing_in(RECOGNISED, settings, keys, shards, storage)
    return {name: found for name, found in standing.items() if isinstance(found, str)}


def recorded_labels(
    names: Iterable[str], storage: Storage, layer: Layer = LABELS
) -> tuple[str, ...]:
    """Those of `names` that have a label record: others may keep files in done/labels."""
    ordered = sorted(names)
    found = at_once(lambda name: _is_record(layer.record(name), storage), ordered)
    return tuple(compress(ordered, found))


def label_records(config: Config, shards: Sequence[Shard]) -> dict[str, LabelRecord]:
    """The records, by shard name, of those `shards` that are labelled as `config` asks."""
    return labels_of(config, shards).records


def all_label_records(config: Config, shards: Sequence[Shard]) -> list[LabelRecord]:
    """The records of all `shards`; FairshardError where some are not labelled."""
    return all_of(labels_of(config, shards), config)


def all_of(labels: Labels, config: Config) -> list[LabelRecord]:
    """The records of all shards; FairshardError where some are not labelled.

    StaleError where it is a table that is not what its record vouches for.
    """
    storage = output_storage(config.output)
    require_own_settings(labels, config)
    for name, why in labels.stale.items():
        if why == DAMAGED:
            raise StaleError(
                f"{storage.path(paths.labels(name))} or its rejects changed after it was "
                "labelled: run `fairshard label` again"
            )
    if labels.missing:
        raise FairshardError(
            f"{len(labels.missing):,} of {counted(len(labels.shards), 'shard')} "
            f"({labels.missing[0].name} among them) {named(len(labels.shards), 'has', 'have')} no "
            f"labels made with this configuration in {storage.of_labels.url}: run "
            "`fairshard label` first"
        )
    return [labels.records[shard.name] for shard in labels.shards]


def require_own_settings(labels: Labels, config: Config) -> None:
    """Raise StaleError where labels that lie apart, and others may share, are of other settings."""
    storage, others = output_storage(config.output), labels.of_other_settings
    if storage.labels is None or not others:
        return
    raise StaleError(
        f"the labels of {counted(others.total(), 'shard')} in {storage.labels} were made with "
        f"other settings ({' and '.join(sorted(others))} changed), and other outputs may share "
        "them: give this one another output.labels, or make them again with `fairshard label "
        "--restart`"
    )


def withdraw_lost(labels: Labels, storage: Storage) -> None:
    """Remove the records whose tables are lost or damaged: workers go by records alone."""
    for layer, stale in ((LABELS, labels.stale), (RECOGNISED, labels.unread or {})):
        lost = [layer.record(name) for name, why in stale.items() if why in (LOST, DAMAGED)]
        at_once(storage.delete, lost)


def forget_joins(labels: Labels, storage: Storage) -> None:
    """Remove what a killed run left between the steps of joining tables, once no run needs it.

    Where labels lie apart, a run on other shards may: `fairshard clean` does it there.
    """
    if labels.unread is not None and not labels.stale and storage.labels is None:
        at_once(storage.delete, left_of_joins(storage))


def keep_settings(config: Config, storage: Storage) -> None:
    """Put on file what labels of these settings depend on, so that a change can be named."""
    recognised = recognition.settings_digest(config), recognition.settings_by_key(config)
    for settings, keys in dict((recognised, settings_of(config))).items():
        values = redacted_values(keys)
        content = f"{json.dumps(values, indent=1, ensure_ascii=False)}\n".encode()
        storage.settle(paths.label_settings(settings), content)


def _is_record(name: str, storage: Storage) -> bool:
    try:
        label_record_from(storage.find(name) or b"")
    except (ValueError, TypeError, KeyError):
        return False
    return True
