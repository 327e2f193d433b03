"""The output shards, read sample by sample and held against where they came from."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import IO

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.shards.streams import open_tar
from transforms.storage import paths
from transforms.verification.beside import Copies, check_table
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    WEBDATASET,
    Evidence,
    ShardFigures,
)
from transforms.verification.keys import Hashes, hashed
from transforms.verification.labels import read_table
from transforms.verification.origins import (
    OriginRange,
    candidates,
    difference,
    opened_input,
    origin_of,
)
from transforms.verification.stated import Stated
from transforms.verification.tars import MalformedError, TarSample, samples_of
from transforms.verification.unique import told_by


@dataclass(frozen=True)
class OutputChecks:
    """The checks that reading the output shards settles."""

    shards: Check
    keys: Check
    order: Check
    payloads: Check
    beside: Check


@dataclass
class VerifiedOutput:
    """The output shards, read one after another.

    `settle` takes each origin, in order of name, once all its copies are found; None where not all
    shards are read. hashes holds those of each shard's keys.
    """

    evidence: Evidence
    stated: Stated
    checks: OutputChecks
    settle: Callable[[OriginRange], None] | None
    hashes: dict[str, Hashes] = field(default_factory=dict)
    _waiting: dict[str, OriginRange] = field(default_factory=dict)
    _left: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self._left = list(self.evidence.records)

    def read(self, shard: ShardFigures) -> None:
        """Check one output shard, then settle the origins that come before its last."""
        storage, check = self.evidence.storage, self.checks.shards
        if not storage.exists(shard.name):
            check.expect(False, f"{shard.name} is missing")
            return
        if self.evidence.manifest.format != WEBDATASET:
            self._compare_file(shard)
            check_table(self.evidence, self.stated, shard, None, self.checks.beside)
            return
        with open_tar(storage.path(shard.name), storage.options) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
            size = stream.tell()
            all_of_them = self.settle is not None
            reading = _Reading(self.evidence, self.checks, self._origin, shard, stream, all_of_them)
            try:
                reading.run()
                problem = None
            except MalformedError as error:
                problem = f"{shard.name}: {error}"
        self.hashes[shard.name] = hashed(reading.keys)
        found = (len(reading.keys), size, digest)
        said = (shard.samples, shard.bytes, shard.sha256)
        check.expect(
            problem is None and found == said,
            problem
            or f"{shard.name} has {counted(found[0], 'sample')}, {found[1]:,} bytes and "
            f"sha256 {found[2]}; manifest.json says {said[0]:,}, {said[1]:,} and {said[2]}",
        )
        if problem is None and found == said:
            check_table(self.evidence, self.stated, shard, reading.copies, self.checks.beside)
        if shard.origins:
            self._settle_before(shard.origins[-1].shard)

    def _compare_file(self, shard: ShardFigures) -> None:
        storage = self.evidence.storage
        listed = storage.listed(shard.name)
        found = (listed.bytes if listed else 0, storage.hashed(shard.name, hashlib.sha256))
        self.checks.shards.expect(
            found == (shard.bytes, shard.sha256),
            f"{shard.name} has {found[0]:,} bytes and sha256 {found[1]}; manifest.json says "
            f"{shard.bytes:,} and {shard.sha256}",
        )

    def finish(self) -> None:
        """Settle the origins that are left."""
        self._settle_before(None)

    def _origin(self, name: str) -> OriginRange | None:
        """The origin of that name; None where there is none, or where its turn is over."""
        if name not in self._waiting and name in self._left:
            table = read_table(self.evidence.storage, paths.labels(name))
            self._waiting[name] = origin_of(self.evidence.records[name], table)
        return self._waiting.get(name)

    def _settle_before(self, name: str | None) -> None:
        while self._left and (name is None or self._left[0] < name):
            origin = self._origin(self._left[0]) if self.settle else None
            if self.settle and origin:
                self.settle(origin)
            self._waiting.pop(self._left.pop(0), None)


@dataclass
class _Reading:
    """One output shard as it is read; keys are those read so far, in order.

    counted: whether the copies of the shards before were.
    """

    evidence: Evidence
    checks: OutputChecks
    origin: Callable[[str], OriginRange | None]
    shard: ShardFigures
    stream: IO[bytes]
    counted: bool
    keys: dict[str, None] = field(default_factory=dict)
    copies: Copies = field(default_factory=Copies)

    def run(self) -> None:
        """Hold every sample against its origin; MalformedError where the tar is damaged."""
        names = chain.from_iterable(repeat(o.shard, o.samples) for o in self.shard.origins)
        origin, source = None, None
        current = ""
        with ExitStack() as inputs:
            for sample in samples_of(self.stream):
                name = next(names, current)
                if name != current:
                    inputs.close()
                    current, origin = name, self.origin(name)
                    source = self._source(origin, inputs)
                self._sample(sample, origin, source)
                self.checks.keys.expect(
                    sample.key not in self.keys,
                    f"the key {sample.key!r} is twice in {self.shard.name}",
                )
                self.keys[sample.key] = None
                self.copies.keys.append(sample.key)

    def _source(self, origin: OriginRange | None, inputs: ExitStack) -> IO[bytes] | None:
        if origin is None:
            return None
        try:
            return inputs.enter_context(opened_input(origin, self.evidence.input_options))
        except FairshardError as error:
            self.checks.payloads.skip(f"an input shard cannot be read any more: {error}")
            return None

    def _sample(
        self, sample: TarSample, origin: OriginRange | None, source: IO[bytes] | None
    ) -> None:
        order, where = self.checks.order, f"{sample.key!r} of {self.shard.name}"
        rows = self._candidates(sample, origin, where) if origin else []
        if origin is None or not rows:
            of = origin.name if origin else "an input shard whose turn it is"
            order.expect(False, f"{where} is no sample of {of}")
            return
        row = rows[0]
        if source is not None:
            row = self._compared(sample, origin, rows, source, where)
        key = origin.keys[row]
        order.expect(row >= origin.last, f"{where} comes after later samples of {origin.name}")
        renamed_first = row != origin.last and sample.key != key and key not in self.keys
        if renamed_first and self.keys and not self.evidence.manifest.unique:
            order.differ(f"{where} has another name than its origin {key!r}, and is no repeat")
        origin.copies[row] += 1
        origin.last = max(row, origin.last)
        self.copies.origins.append(origin.name)
        self.copies.rows.append(row)

    def _candidates(self, sample: TarSample, origin: OriginRange, where: str) -> list[int]:
        """The rows that the sample may be a copy of; of unique keys, the one that it tells."""
        if not self.evidence.manifest.unique:
            return candidates(sample.key, sample.end - sample.start, origin)
        told = told_by(sample.key, self.evidence.beginnings[origin.name])
        row = origin.rows.get(told.key) if told else None
        if told is None or row is None:
            return []
        expected = int(origin.copies[row])
        if self.counted and told.copy != expected:
            self.checks.order.differ(
                f"{where} is by its name copy {told.copy}, and comes as copy {expected}"
            )
        return [row]

    def _compared(
        self, sample: TarSample, origin: OriginRange, rows: list[int], source: IO[bytes], where: str
    ) -> int:
        """The row that the sample is a copy of, its payloads compared with that row's."""
        try:
            apart = [difference(self.stream, sample, source, origin, row) for row in rows]
        except FairshardError as error:
            self.checks.payloads.skip(f"an input shard cannot be read any more: {error}")
            return rows[0]
        best = apart.index(None) if None in apart else 0
        self.checks.payloads.expect(
            apart[best] is None, f"{where}, from {origin.name}: {apart[best]}"
        )
        return rows[best]
