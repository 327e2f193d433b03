"""Which input shards an output folder has labels of, from its completion records alone."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import Any

from jobs.session.old_names import as_labelled
from transforms.base.counts import counted, named
from transforms.base.differences import differing, in_words
from transforms.base.errors import FairshardError, StaleError
from transforms.base.redaction import redacted, redacted_values
from transforms.config.sections import Config
from transforms.labels.labelling import finished, settings_digest
from transforms.labels.records import LabelRecord, label_files, label_record_from
from transforms.recognition.settings import settings_by_key
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import json_in
from transforms.storage.files import Storage, output_storage
from transforms.storage.inventory import Inventory

_NEW = "new"
_UNREADABLE = "unreadable"
_OF_ANOTHER = "another's"
_UNRECORDED = "unrecorded"
_LOST = "lost"
_DAMAGED = "damaged"
_RESTART = "--restart"
_LOSSES = frozenset((_NEW, _UNREADABLE, _OF_ANOTHER, _UNRECORDED, _LOST, _DAMAGED))
_OF_ONE = _LOSSES | {"URL", "size", "time or etag"}


@dataclass(frozen=True)
class Labels:
    """How the labels of an output stand to its input.

    records: of the shards that are labelled as configured, by name. stale: of the others, why
    they are to be labelled, by name. gone: names of labelled shards that the input has no more.
    """

    shards: tuple[Shard, ...]
    records: dict[str, LabelRecord]
    stale: dict[str, str]
    gone: tuple[str, ...]

    def afresh(self) -> "Labels":
        """The same, if nothing of it counted."""
        stale = dict.fromkeys((shard.name for shard in self.shards), _RESTART)
        return replace(self, records={}, stale=stale)

    @cached_property
    def missing(self) -> tuple[Shard, ...]:
        """The shards that are to be labelled."""
        return tuple(shard for shard in self.shards if shard.name in self.stale)

    @property
    def only_lost(self) -> bool:
        """Whether what is missing is missing alone: nothing that labels depend on has changed."""
        return bool(self.stale) and _LOSSES.issuperset(self.stale.values())

    @property
    def of_other_settings(self) -> Counter[str]:
        """Of how many shards there are labels of other settings, by what differs."""
        whys = (why for why in self.stale.values() if why not in _OF_ONE and why != _RESTART)
        return Counter(whys)

    @property
    def lines(self) -> Iterator[str]:
        """What is kept, what is labelled, and why."""
        reasons, whole = Counter(self.stale.values()), len(self.shards)
        if not reasons:
            yield f"the labels of {'all ' * (whole > 1)}{counted(whole, 'shard')} are kept"
        elif reasons == {_NEW: whole}:
            are = named(whole, "is", "are")
            yield f"{counted(whole, 'shard')} {are} to be labelled: none is yet"
        elif len(self.stale) == whole and len(reasons) == 1 and _of_all(*reasons):
            yield f"all labels are made again: {_of_all(*reasons)}"
        else:
            why = ", ".join(_phrase(*counted) for counted in sorted(reasons.items()))
            kept = f"; {whole - len(self.stale):,} are kept" if self.records else ""
            again = " again" if reasons.keys() - {_NEW} else ""
            are = named(len(self.stale), "is", "are")
            yield (
                f"{len(self.stale):,} of {counted(whole, 'shard')} {are} labelled{again}: "
                f"{why}{kept}"
            )
        if self.gone:
            are = "shard is" if len(self.gone) == 1 else "shards are"
            yield f"{len(self.gone):,} labelled {are} not in the input any more: left aside"


def labels_of(config: Config, shards: Sequence[Shard]) -> Labels:
    """How the labels in the output of `config` stand to `shards`."""
    storage = output_storage(config.output)
    on_file = {name.removesuffix(paths.RECORD) for name in storage.names(paths.LABEL_RECORDS)}
    shards = as_labelled(shards, on_file, storage)
    why = _Reasons(config, storage)

    def recorded(shard: Shard) -> LabelRecord | str:
        return why.of(shard) if shard.name in on_file else _NEW

    found = at_once(recorded, shards)
    inventory = Inventory.of(storage, paths.LABELS, paths.REJECTS)
    names = [shard.name for shard in shards]
    standing = {
        name: _with_tables(name, one, inventory) for name, one in zip(names, found, strict=True)
    }
    return Labels(
        shards,
        {name: found for name, found in standing.items() if isinstance(found, LabelRecord)},
        {name: found for name, found in standing.items() if isinstance(found, str)},
        () if storage.labels else recorded_labels(on_file - standing.keys(), storage),
    )


def recorded_labels(names: Iterable[str], storage: Storage) -> tuple[str, ...]:
    """Those of `names` that have a label record: others may keep files in done/labels."""
    ordered = sorted(names)
    return tuple(compress(ordered, at_once(lambda name: _is_record(name, storage), ordered)))


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
        if why == _DAMAGED:
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


def labels_are_whole(records: Iterable[LabelRecord], storage: Storage) -> bool:
    """Whether the tables of `records` are there as they say, by a listing of each folder."""
    inventory = Inventory.of(storage, paths.LABELS, paths.REJECTS)
    return not any(inventory.fault(file) for record in records for file in label_files(record))


def withdraw_lost(labels: Labels, storage: Storage) -> None:
    """Remove the records whose tables are lost or damaged: workers go by records alone."""
    lost = [name for name, why in labels.stale.items() if why in (_LOST, _DAMAGED)]
    at_once(lambda name: storage.delete(paths.label_record(name)), lost)


def keep_settings(config: Config, storage: Storage) -> None:
    """Put on file what labels of these settings depend on, so that a change can be named."""
    values = redacted_values(settings_by_key(config))
    content = f"{json.dumps(values, indent=1, ensure_ascii=False)}\n".encode()
    storage.settle(paths.label_settings(settings_digest(config)), content)


def _with_tables(name: str, standing: LabelRecord | str, inventory: Inventory) -> LabelRecord | str:
    """How a shard's labels stand, by its record, once their tables are looked for."""
    if standing == _NEW and paths.labels(name) in inventory.files:
        return _UNRECORDED
    if not isinstance(standing, LabelRecord):
        return standing
    faults = {inventory.fault(file) for file in label_files(standing)} - {""}
    if not faults:
        return standing
    return _LOST if "lost" in faults else _DAMAGED


def _is_record(name: str, storage: Storage) -> bool:
    try:
        label_record_from(storage.find(paths.label_record(name)) or b"")
    except (ValueError, TypeError, KeyError):
        return False
    return True


class _Reasons:
    """Why shards that have a record are labelled again."""

    def __init__(self, config: Config, storage: Storage) -> None:
        self._settings = settings_digest(config)
        self._keys: dict[str, Any] = redacted_values(settings_by_key(config))
        self._storage = storage
        self._named: dict[str, str] = {}

    def of(self, shard: Shard) -> LabelRecord | str:
        """The record of `shard` or, where it does not count, why."""
        done = finished(shard, self._settings, self._storage)
        if done is not None:
            return done
        try:
            content = self._storage.find(paths.label_record(shard.name)) or b""
            record = label_record_from(content)
        except (ValueError, TypeError, KeyError):
            return _UNREADABLE
        before = record.shard
        if before.name != shard.name:
            return _OF_ANOTHER
        if redacted(before.url) != redacted(shard.url):
            return "URL"
        if before.bytes != shard.bytes:
            return "size"
        if before.version != shard.version:
            return "time or etag"
        return self._changed(record.settings)

    def _changed(self, settings: str) -> str:
        if settings not in self._named:
            try:
                before = json_in(self._storage.read(paths.label_settings(settings)))
                self._named[settings] = in_words(_keys(differing(before, self._keys)))
            except (FairshardError, ValueError):
                self._named[settings] = ""
        return self._named[settings] or "the configuration"


def _keys(keys: list[str]) -> list[str]:
    """The keys that differ; the weights only where the model is named as before."""
    model = [path for path in keys if path.startswith("model.") and path != "model.weights"]
    return [path for path in keys if path != "model.weights" or not model]


def _of_all(reason: str) -> str:
    """The sentence of a reason that may be of all shards; "" of one that is of single ones."""
    if reason in _OF_ONE:
        return ""
    return reason if reason == _RESTART else f"{reason} changed"


def _phrase(reason: str, count: int) -> str:
    if reason == _NEW:
        return f"{count:,} {'is' if count == 1 else 'are'} new"
    if reason == _UNREADABLE:
        return f"{count:,} with a record that cannot be read"
    if reason == _OF_ANOTHER:
        return f"{count:,} with the record of another shard"
    if reason == _UNRECORDED:
        return f"{count:,} without a record"
    if reason == _LOST:
        return f"{count:,} with a lost table of labels or rejects"
    if reason == _DAMAGED:
        return f"{count:,} with a table of labels or rejects that was cut or changed"
    if reason in _OF_ONE:
        return f"{count:,} changed ({reason})"
    return f"{count:,} because {reason} changed"
