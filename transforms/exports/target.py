"""Where an export goes: files that are claimed before they are written, and recorded after.

In an output, what is known of its exports lies with its other records; elsewhere, in a hidden
folder beside the files. So a repeated or killed export goes on, and no file of the user's is lost.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from transforms.base.counts import counted, named
from transforms.base.errors import FairshardError
from transforms.exports.records import (
    ExportRecord,
    MadeFrom,
    claim_of,
    export_record_from,
    files_of_claim,
)
from transforms.shards.block_writer import BlockWriter
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import to_json
from transforms.storage.files import Storage
from transforms.storage.inventory import Inventory, Vouched

NEW = "new"
_LOST = "lost or changed"


def _unheard(line: str) -> None:
    """Nobody listens."""


def _unseen(done: int, total: int) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Target:
    """The place of one export, `export`: a folder of a storage; names are relative to it.

    records: the folder in which records lie. tell: takes lines on what is done again, and why.
    step: takes how many of how many input shards are done. made: the records of the files that the
    export consists of, by name, filled as they are found or written; written: those of this run.
    """

    storage: Storage
    export: str
    folder: str = ""
    records: str = paths.EXPORT_RECORDS
    tell: Callable[[str], None] = _unheard
    step: Callable[[int, int], None] = _unseen
    made: dict[str, ExportRecord] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    @property
    def size(self) -> int:
        """The bytes of all files of the export."""
        return sum(record.bytes for record in self.made.values())

    @property
    def workshop(self) -> "Target":
        """Where parts of a file are made: among the records of the export."""
        return Target(self.storage, f"{self.export}-parts", self.records, self.records)

    def path(self, name: str = "") -> str:
        """The full URL of a file, or of the folder."""
        return self.storage.path(self.name_of(name)).rstrip("/")

    def name_of(self, name: str) -> str:
        """The name of a file in the storage."""
        return f"{self.folder}/{name}" if self.folder else name

    def begin(self, files: Mapping[str, MadeFrom]) -> set[str]:
        """Claim `files`, by name, before the first is written; those that are to be written.

        Says which were written before, and why they are written again. Raises FairshardError, and
        writes nothing, where one would take the place of a file of the user's.
        """
        own = self._own()
        self._refuse_foreign(files.keys() - own)
        self._claim(own | files.keys())
        inventory = Inventory.of(self.storage, self.folder or ".")
        there = set(self.storage.names(self.records))

        def standing(name: str) -> str:
            if self._record_name(name) not in there:
                return NEW
            return self._standing(name, files[name], inventory)

        why = dict(zip(files, at_once(standing, files), strict=True))
        missing = {name: reason for name, reason in why.items() if reason}
        self._tell_of(missing, len(files))
        return set(missing)

    def publish(self, name: str, content: bytes) -> None:
        """Write a small file, unless it holds just that.

        FairshardError where it would take the place of what fairshard did not write: a file of the
        user's, or one that was changed since.
        """
        record = ExportRecord(name, {}, len(content), hashlib.sha256(content).hexdigest())
        self.made[name] = record
        found, own = self.storage.find(self.name_of(name)), self._own()
        if found != content:
            if found is not None and not self._is_as_written(name, found):
                raise self._changed(name) if name in own else self._foreign([name])
            own |= {name}
            self._claim(own)
            self.storage.publish(self.name_of(name), content)
            self.written.add(name)
        if name in own:
            self.storage.settle(self._record(name), to_json(record))

    def write(
        self,
        name: str,
        content: bytes,
        made_from: MadeFrom,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Write a file that is claimed, and its record, which keeps `counts` of what it holds."""
        self.storage.delete(self._record(name))
        self.storage.publish(self.name_of(name), content)
        sha256 = hashlib.sha256(content).hexdigest()
        self._keep(ExportRecord(name, dict(made_from), len(content), sha256, dict(counts or {})))

    @contextmanager
    def filling(
        self, name: str, made_from: MadeFrom, counts: Mapping[str, int]
    ) -> Iterator[BlockWriter]:
        """As `write`, of a file that is too large to hold: what the block writes to."""
        self.storage.delete(self._record(name))
        with self.storage.publishing(self.name_of(name)) as sink, BlockWriter(sink) as blocks:
            yield blocks
        self._keep(ExportRecord(name, dict(made_from), blocks.bytes, blocks.sha256, dict(counts)))

    def settle(self, names: Collection[str]) -> None:
        """Remove what was written here before and is none of `names`; claim no more than these."""
        own = self._own()
        for name in sorted(own.difference(names)):
            self.storage.delete(self.name_of(name))
            self.storage.delete(self._record(name))
        self._claim(set(names))

    def give_up(self) -> None:
        """Claim no more what was not written: another may put a file of that name there."""
        own = self._own()
        self._claim(own.intersection(self.storage.names(self.folder)))

    def withdraw(self) -> None:
        """Remove all that was written here, but for what was changed since."""
        for name in sorted(self._own()):
            found = self.storage.find(self.name_of(name))
            if found is not None and self._is_as_written(name, found):
                self.storage.delete(self.name_of(name))
            self.storage.delete(self._record(name))
        self._claim(set())

    def _is_as_written(self, name: str, content: bytes) -> bool:
        """Whether that is what the record of a file says that it holds."""
        try:
            record = export_record_from(self.storage.find(self._record(name)) or b"")
        except ValueError:
            return False
        return record.sha256 == hashlib.sha256(content).hexdigest()

    def _keep(self, record: ExportRecord) -> None:
        """Put on file, and remember, that a file is written."""
        record = replace(record, version=self.storage.version(self.name_of(record.name)))
        self.storage.publish(self._record(record.name), to_json(record))
        self.made[record.name] = record
        self.written.add(record.name)

    def _standing(self, name: str, made_from: MadeFrom, inventory: Inventory) -> str:
        """Why a file is to be written; "" where it is there as its record says."""
        try:
            record = export_record_from(self.storage.find(self._record(name)) or b"")
        except ValueError:
            return _LOST
        parts = {*record.made_from, *made_from}
        if other := sorted(p for p in parts if record.made_from.get(p) != made_from.get(p)):
            return f"{' and '.join(other)} changed"
        full = self.name_of(name)
        file = Vouched(full, record.bytes, record.version, record.sha256, hashlib.sha256)
        if file.fault(inventory.files.get(full if self.folder else f"./{name}"), self.storage):
            return _LOST
        self.made[name] = record
        return ""

    def _tell_of(self, missing: Mapping[str, str], total: int) -> None:
        again = Counter(reason for reason in missing.values() if reason != NEW)
        for reason, count in sorted(again.items()):
            self.tell(
                f"{count:,} of {counted(total, 'file')} {named(count, 'is', 'are')} written again: "
                f"{reason}"
            )

    def _own(self) -> set[str]:
        return files_of_claim(self.storage.find(self._claimed) or b"")

    def _claim(self, names: set[str]) -> None:
        if names:
            self.storage.settle(self._claimed, claim_of(names))
        else:
            self.storage.delete(self._claimed)

    def _refuse_foreign(self, names: set[str]) -> None:
        if taken := sorted(names.intersection(self.storage.names(self.folder))):
            raise self._foreign(taken)

    def _changed(self, name: str) -> FairshardError:
        return FairshardError(
            f"{self.path(name)} was changed since fairshard wrote it, and stays as it is: move it "
            "away to have it written anew, or give another place with --to"
        )

    def _foreign(self, taken: list[str]) -> FairshardError:
        more = f" (and {len(taken) - 1:,} more)" if len(taken) > 1 else ""
        return FairshardError(
            f"{self.path(taken[0])}{more} would be overwritten, and no record says that fairshard "
            "wrote it: move it away, or give another place with --to"
        )

    @property
    def _claimed(self) -> str:
        return f"{self.records}/{self.export}{paths.RECORD}"

    def _record(self, name: str) -> str:
        return f"{self.records}/{self._record_name(name)}"

    def _record_name(self, name: str) -> str:
        return f"{self.export}--{name.replace('/', '--')}{paths.RECORD}"
