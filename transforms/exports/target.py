"""Where an export goes: files that are claimed before they are written, and recorded after.

In an output, what is known of its exports lies with its other records; elsewhere, in a hidden
folder beside the files. So a repeated or killed export goes on, and no file of the user's is lost.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Literal, cast

from pydantic import Field, TypeAdapter

from transforms.base.errors import FairshardError
from transforms.shards.block_writer import BlockWriter
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import Count, Document, parsed, to_json
from transforms.storage.files import Storage
from transforms.storage.inventory import Inventory, Vouched

MadeFrom = Mapping[str, str]
"""What the bytes of a file follow from: a digest of each part, by what it is called."""

BESIDE = ".fairshard"
"""The folder of records beside files that do not lie in an output."""

NEW = "new"
_LOST = "lost or changed"


class Claim(Document):
    """Which files of an export are fairshard's own; form: the version of the file's own form.

    documents: the sha256 of what fairshard wrote of those that people may go on writing.
    """

    form: Literal[1] = 1
    files: tuple[str, ...] = ()
    documents: dict[str, tuple[str, ...]] = Field({})


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """A file of an export is written; form: the version of the record's own form."""

    name: str
    made_from: MadeFrom
    bytes: Count
    sha256: str
    version: str = ""
    form: Literal[1] = 1


def _unheard(line: str) -> None:
    """Nobody listens."""


def _unseen(done: int, total: int) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Target:
    """The place of one export, `export`: a folder of a storage; names are relative to it.

    records: the folder in which records lie. tell: takes lines on what is done again, and why.
    step: takes how many of how many input shards are done. sizes: the bytes of each file that the
    export consists of, by name, filled as it is made; written: those that this run wrote.
    """

    storage: Storage
    export: str
    folder: str = ""
    records: str = paths.EXPORT_RECORDS
    tell: Callable[[str], None] = _unheard
    step: Callable[[int, int], None] = _unseen
    sizes: dict[str, int] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def path(self, name: str = "") -> str:
        """The full URL of a file, or of the folder."""
        return self.storage.path(self._in(name)).rstrip("/")

    def begin(self, files: Mapping[str, MadeFrom]) -> dict[str, str]:
        """Claim `files`, by name, before the first is written; those that are to be, and why.

        Raises FairshardError, and writes nothing, where one would take the place of a file of the
        user's.
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
        return {name: reason for name, reason in why.items() if reason}

    def publish(self, name: str, content: bytes, made_from: MadeFrom | None = None) -> None:
        """Write a file, unless it holds just that; of one that is claimed, with its record.

        What is not claimed yet is; FairshardError where it would take the place of what fairshard
        did not write: a file of the user's, or one that was changed since.
        """
        if made_from is None:
            self._publish_document(name, content)
            return
        self.storage.delete(self._record(name))
        self.storage.publish(self._in(name), content)
        self._recorded(name, made_from, len(content), hashlib.sha256(content).hexdigest())

    def _publish_document(self, name: str, content: bytes) -> None:
        """What it may hold is claimed before it is written, and what it holds after."""
        self.sizes[name] = len(content)
        found = self.storage.find(self._in(name))
        if found == content:
            return
        claim, digest = self._claim_on_file(), hashlib.sha256(content).hexdigest()
        ours = claim.documents.get(name, ())
        if found is not None and hashlib.sha256(found).hexdigest() not in ours:
            raise self._foreign([name])
        self._put_claim(claim, {name: (*ours, digest)})
        self.storage.publish(self._in(name), content)
        self._put_claim(claim, {name: (digest,)})
        self.written.add(name)

    @contextmanager
    def streaming(self, name: str, made_from: MadeFrom) -> Iterator[IO[bytes]]:
        """A binary stream that becomes a claimed file, with its record, as the block ends."""
        self.storage.delete(self._record(name))
        with self.storage.publishing(self._in(name)) as sink, BlockWriter(sink) as blocks:
            yield cast(IO[bytes], blocks)
        self._recorded(name, made_from, blocks.bytes, blocks.sha256)

    def settle(self, names: Mapping[str, MadeFrom]) -> None:
        """Remove what earlier exports wrote that is none of `names`, and claim no more than these.

        Before that, all of them must be written.
        """
        own = self._own()
        for name in sorted(own - names.keys()):
            self.storage.delete(self._in(name))
            self.storage.delete(self._record(name))
        self._claim(set(names))

    def _standing(self, name: str, made_from: MadeFrom, inventory: Inventory) -> str:
        """Why a file is to be written; "" where it is there as its record says."""
        try:
            record = parsed(self.storage.find(self._record(name)) or b"", _RECORD)
        except ValueError:
            return _LOST
        parts = {*record.made_from, *made_from}
        if other := sorted(p for p in parts if record.made_from.get(p) != made_from.get(p)):
            return f"{' and '.join(other)} changed"
        full = self._in(name)
        file = Vouched(full, record.bytes, record.version, record.sha256, hashlib.sha256)
        listed = inventory.files.get(full if self.folder else f"./{name}")
        if file.fault(listed, self.storage):
            return _LOST
        self.sizes[name] = record.bytes
        return ""

    def _recorded(self, name: str, made_from: MadeFrom, size: int, sha256: str) -> None:
        version = self.storage.version(self._in(name))
        record = ExportRecord(name, dict(made_from), size, sha256, version)
        self.storage.publish(self._record(name), to_json(record))
        self.sizes[name] = size
        self.written.add(name)

    def _claim_on_file(self) -> Claim:
        try:
            return parsed(self.storage.find(self._claimed) or b"{}", _CLAIM)
        except ValueError:
            return Claim()

    def _put_claim(self, claim: Claim, documents: Mapping[str, tuple[str, ...]]) -> None:
        """Claim `documents` too."""
        claim = Claim(
            files=tuple(sorted({*claim.files, *documents})),
            documents={**claim.documents, **documents},
        )
        self.storage.settle(self._claimed, f"{claim.model_dump_json(indent=1)}\n".encode())

    def _own(self) -> set[str]:
        return set(self._claim_on_file().files)

    def _claim(self, names: set[str]) -> None:
        documents = self._claim_on_file().documents
        kept = {name: digests for name, digests in documents.items() if name in names}
        self._put_claim(Claim(files=tuple(names)), kept)

    def _refuse_foreign(self, names: set[str]) -> None:
        if taken := sorted(names.intersection(self.storage.names(self.folder))):
            raise self._foreign(taken)

    def _foreign(self, taken: list[str]) -> FairshardError:
        more = f" (and {len(taken) - 1:,} more)" if len(taken) > 1 else ""
        return FairshardError(
            f"{self.path(taken[0])}{more} would be overwritten, and no record says that fairshard "
            "wrote what it holds: move it away, or give another place with --to"
        )

    def _in(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    @property
    def _claimed(self) -> str:
        return f"{self.records}/{self.export}{paths.RECORD}"

    def _record(self, name: str) -> str:
        return f"{self.records}/{self._record_name(name)}"

    def _record_name(self, name: str) -> str:
        return f"{self.export}--{name}{paths.RECORD}"


_RECORD = TypeAdapter(ExportRecord)
_CLAIM = TypeAdapter(Claim)
