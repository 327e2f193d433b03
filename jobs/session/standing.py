"""How each input shard stands in a layer of label tables: made as configured, or why it is not."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from transforms.base.differences import differing, in_words
from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted, redacted_values
from transforms.labels.layers import Layer
from transforms.labels.records import LabelRecord, finished, label_files, label_record_from
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.storage.inventory import Inventory

NEW = "new"
UNREADABLE = "unreadable"
OF_ANOTHER = "another's"
UNRECORDED = "unrecorded"
LOST = "lost"
DAMAGED = "damaged"
RESTART = "--restart"
_TABLE = re.compile(r"tables\.(.*)\.files")
LOSSES = frozenset((NEW, UNREADABLE, OF_ANOTHER, UNRECORDED, LOST, DAMAGED))
OF_ONE = LOSSES | {"URL", "size", "time or etag"}

Standing = LabelRecord | str
"""The record of a shard, or why there is none that counts."""


def standing_in(
    layer: Layer, settings: str, keys: dict[str, Any], shards: Sequence[Shard], storage: Storage
) -> dict[str, Standing]:
    """How `shards` stand, by name, to tables of `settings`, which depend on these `keys`."""
    on_file = {name.removesuffix(paths.RECORD) for name in storage.names(layer.records)}
    why = _Reasons(layer, settings, keys, storage)

    def recorded(shard: Shard) -> Standing:
        return why.of(shard) if shard.name in on_file else NEW

    found = at_once(recorded, shards)
    inventory = Inventory.of(storage, *layer.folders)
    return {
        shard.name: _with_tables(shard.name, one, inventory, layer)
        for shard, one in zip(shards, found, strict=True)
    }


def _with_tables(name: str, standing: Standing, inventory: Inventory, layer: Layer) -> Standing:
    """How a shard's labels stand, by its record, once their tables are looked for."""
    if standing == NEW and layer.table(name) in inventory.files:
        return UNRECORDED
    if not isinstance(standing, LabelRecord):
        return standing
    faults = {inventory.fault(file) for file in label_files(standing, layer)} - {""}
    if not faults:
        return standing
    return LOST if "lost" in faults else DAMAGED


class _Reasons:
    """Why shards that have a record are labelled again."""

    def __init__(self, layer: Layer, settings: str, keys: dict[str, Any], storage: Storage) -> None:
        self._layer = layer
        self._settings = settings
        self._keys: dict[str, Any] = redacted_values(keys)
        self._storage = storage
        self._named: dict[str, str] = {}

    def of(self, shard: Shard) -> Standing:
        """The record of `shard` or, where it does not count, why."""
        done = finished(shard, self._settings, self._storage, self._layer)
        if done is not None:
            return done
        try:
            content = self._storage.find(self._layer.record(shard.name)) or b""
            record = label_record_from(content)
        except (ValueError, TypeError, KeyError):
            return UNREADABLE
        before = record.shard
        if before.name != shard.name:
            return OF_ANOTHER
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
    told = [path for path in keys if path != "model.weights" or not model]
    return [_TABLE.sub(r"the table \1", path) for path in told]


def of_all(reason: str) -> str:
    """The sentence of a reason that may be of all shards; "" of one that is of single ones."""
    if reason in OF_ONE:
        return ""
    return reason if reason == RESTART else f"{reason} changed"


def phrase(reason: str, count: int) -> str:
    if reason == NEW:
        return f"{count:,} {'is' if count == 1 else 'are'} new"
    if reason == UNREADABLE:
        return f"{count:,} with a record that cannot be read"
    if reason == OF_ANOTHER:
        return f"{count:,} with the record of another shard"
    if reason == UNRECORDED:
        return f"{count:,} without a record"
    if reason == LOST:
        return f"{count:,} with a lost table of labels or rejects"
    if reason == DAMAGED:
        return f"{count:,} with a table of labels or rejects that was cut or changed"
    if reason in OF_ONE:
        return f"{count:,} changed ({reason})"
    return f"{count:,} because {reason} changed"


def labels_are_whole(records: Iterable[LabelRecord], storage: Storage) -> bool:
    """Whether the tables of `records` are there as they say, by a listing of each folder."""
    inventory = Inventory.of(storage, paths.LABELS, paths.REJECTS)
    return not any(inventory.fault(file) for record in records for file in label_files(record))
