"""How the output shards of a folder stand to its manifest and completion records."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from jobs.session.beside import OTHERWISE, sizes_wrong, table_beside, tables_wrong
from transforms.base.counts import first_of, named
from transforms.config.sections import Config
from transforms.config.writers import WRITERS
from transforms.resampling.manifest import (
    Manifest,
    ShardEntry,
    manifest_on_file,
    names_beside,
    shard_names,
)
from transforms.resampling.ownership import (
    claim,
    number_of,
    numbered,
    owned,
    recorded,
    refuse_foreign,
)
from transforms.resampling.publishing import withdraw_manifest
from transforms.resampling.records import (
    OutputRecord,
    beside_of,
    has_tables,
    output_file,
    output_record_from,
)
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage, output_storage
from transforms.storage.inventory import Inventory, Vouched

_UNRECORDED = "without a record"
_IN_A_SENTENCE = {
    _UNRECORDED: "it has no record that can be read",
    OTHERWISE: "its record is not the manifest's",
}
_FIXED = {
    "label": (paths.PROMETHEUS,),
    "solve": (
        paths.PLAN,
        paths.PATTERNS,
        paths.FLIPS,
        paths.SAMPLE,
        paths.EXPLANATION,
        paths.PROMETHEUS,
    ),
    "resample": (paths.MANIFEST, paths.REPORT, paths.DATA_DOCS, paths.PROMETHEUS),
}


@dataclass(frozen=True)
class Outputs:
    """How the output shards stand.

    manifest: the one on file. recorded: how many shards have a record. faults: what is wrong with
    shards that the manifest or a record vouches for, by name. surplus: the names of shards that
    have a record and are not in the manifest. tables: the names of those beside shards that records
    vouch for. beside: what is wrong with files beside the shards, by name.
    """

    manifest: Manifest | None
    recorded: int
    faults: Mapping[str, str]
    surplus: tuple[str, ...]
    tables: tuple[str, ...] = ()
    beside: Mapping[str, str] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Whether the manifest holds of what is there."""
        return self.manifest is not None and not (self.faults or self.surplus or self.beside)

    @property
    def lines(self) -> tuple[str, ...]:
        """What is damaged; nothing where nothing is."""
        total = self.recorded if self.manifest is None else len(self.manifest.shards)
        lines = []
        if self.faults:
            are = "shards are" if len(self.faults) > 1 else "shards is"
            why = _in_words(list(self.faults.values()))
            lines.append(f"{len(self.faults):,} of {total:,} output {are} written again: {why}")
        if self.beside:
            which = first_of(list(self.beside), 1)
            are = named(len(self.beside), "is", "are")
            why = _in_words(list(self.beside.values()))
            lines.append(f"{which} beside the shards {are} written again: {why}")
        if self.surplus:
            are = "shard is" if len(self.surplus) == 1 else "shards are"
            lines.append(f"{len(self.surplus):,} output {are} not in the manifest: to be removed")
        return tuple(lines)

    def own(self, storage: Storage) -> set[str]:
        """All files that are fairshard's, shards and what is beside them."""
        said = [*shard_names(self.manifest), *names_beside(self.manifest), *self.tables]
        return owned(storage, said)

    def withdraw(self, storage: Storage) -> None:
        """Let nothing vouch for damaged shards any more, the manifest least of all.

        What was claimed stays claimed, also where the claim was lost.
        """
        if own := self.own(storage):
            claim((), own, storage)
        if not self.faults and not self.surplus and not self.beside:
            return
        if self.manifest is not None:
            withdraw_manifest(storage)
        at_once(lambda name: storage.delete(paths.output_record(name)), self.faults)


def outputs_of(storage: Storage) -> Outputs:
    """How the output shards in `storage` stand, by all records and one listing."""
    manifest = manifest_on_file(storage)
    names = sorted(recorded(storage).values())
    found = at_once(lambda name: _record(name, storage), names)
    records = dict(zip(names, found, strict=True))
    said = {
        shard.name: shard
        for shard in (manifest.shards if manifest else ())
        if number_of(shard.name) is not None
    }
    surplus = records.keys() - said.keys() if manifest else set()
    inventory = Inventory.of(storage, paths.SHARDS)

    def fault_of(name: str) -> str:
        record = records.get(name)
        if record is None:
            return _UNRECORDED
        return inventory.fault(output_file(name, record)) or _against(said.get(name), record)

    checked = sorted((said.keys() | records.keys()) - surplus)
    faults = dict(zip(checked, at_once(fault_of, checked), strict=True))
    wrong = {name: fault for name, fault in faults.items() if fault}
    standing = {name: record for name, record in records.items() if record and name not in wrong}
    return Outputs(
        manifest,
        len(names),
        wrong,
        tuple(sorted(surplus)),
        tuple(table_beside(name) for name, record in records.items() if record and record.table),
        {**tables_wrong(standing, said, inventory), **sizes_wrong(manifest, inventory)},
    )


def damaged_files(manifest: Manifest, recorded: Collection[str], storage: Storage) -> list[str]:
    """The files of a manifest that are not there in its size, or without a record, by a listing.

    `recorded` are the names of the records of shards that have one.
    """
    inventory = Inventory.of(storage, paths.SHARDS)
    sizes = {shard.name: shard.bytes for shard in manifest.shards}
    sizes |= {table_beside(s.name): s.table.bytes for s in manifest.shards if s.table}
    files = [Vouched(name, size, "", "") for name, size in sizes.items()]
    unrecorded = (s.name for s in manifest.shards if paths.output_record(s.name) not in recorded)
    damaged = {*unrecorded, *(file.name for file in files if inventory.fault(file))}
    without = {paths.SIZES}.intersection(names_beside(manifest)).difference(inventory.files)
    return sorted(damaged | without)


def check_own(stages: Sequence[str], config: Config) -> None:
    """Raise FairshardError where a first run of `stages` would overwrite files of the user's."""
    storage = output_storage(config.output)
    manifest = manifest_on_file(storage)
    own = owned(storage, [*shard_names(manifest), *names_beside(manifest)])
    folders = (paths.DONE,) if storage.labels else (paths.DONE, paths.LABEL_RECORDS)
    begun = own or any(map(storage.names, folders))
    fixed = [] if begun else [name for stage in stages for name in _FIXED[stage]]
    shards = [] if own or "resample" not in stages else _named_alike(config, storage)
    refuse_foreign([*fixed, *shards], storage)


def _named_alike(config: Config, storage: Storage) -> list[str]:
    """The files of a folder without an output that are named as those of one."""
    extensions = [WRITERS[config.output.format].extension, *[paths.TABLE] * has_tables(config)]
    sizes = [paths.SIZES] if "sizes" in beside_of(config) else []
    return [*(name for each in extensions for name in numbered(storage, each)), *sizes]


def _record(name: str, storage: Storage) -> OutputRecord | None:
    try:
        return output_record_from(storage.find(paths.output_record(name)) or b"")
    except ValueError:
        return None


def _against(said: ShardEntry | None, record: OutputRecord) -> str:
    if said is None:
        return ""
    same = (said.samples, said.bytes, said.sha256) == (record.samples, record.bytes, record.sha256)
    return "" if same and record.number == number_of(said.name) else OTHERWISE


def _in_words(faults: Sequence[str]) -> str:
    if len(faults) == 1:
        return _IN_A_SENTENCE.get(faults[0], f"its file is {faults[0]}")
    return ", ".join(f"{count:,} {fault}" for fault, count in sorted(Counter(faults).items()))
