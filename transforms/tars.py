"""Reading webdataset shards: consecutive members of one key are a sample, with its byte range."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from transforms.config import Limits, Members
from transforms.errors import FairshardError
from transforms.parts import WHOLE
from transforms.tar_headers import (
    BLOCK,
    DIRECTORY,
    GLOBAL,
    REGULAR,
    Cursor,
    DamagedTarError,
    Member,
    read_member,
)
from transforms.tar_streams import open_tar

__all__ = ["Ignored", "Reject", "Sample", "open_tar", "read_samples", "split_name"]

_TAIL_BYTES = 2**20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_META = re.compile(r"__[^/]*__($|/)")
_FIELDS_OF_WEBDATASET = frozenset(("__key__", "__url__", "__local_path__"))
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a fifo",
    b"S": "a GNU sparse file",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A readable sample.

    [offset, offset + size) holds all its tar entries, headers and padding included, in the
    (decompressed) tar; `members` the payloads of the wanted extensions, by lower-case extension.
    """

    key: str
    offset: int
    size: int
    members: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Reject:
    """A sample that cannot be used, and why; key "" where the bytes give no key."""

    key: str
    stage: str
    error: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A member that belongs to no sample, and why."""

    name: str
    reason: str


def read_samples(
    stream: IO[bytes],
    members: Members,
    limits: Limits,
    span: range = WHOLE,
    shard: str = "a shard",
) -> Iterator[Sample | Reject | Ignored]:
    """The samples of the tar in `stream`, in order, in one forward pass; bad data gives Rejects.

    A sample is a run of members of one key, as webdataset groups them. It is one range: where a
    member of no sample stands inside it, it is rejected. Payloads of extensions that `members` does
    not name are passed over. After damage, all that is complete before it is kept, and the last
    Reject says from which byte on nothing can be read. Raises FairshardError where there are more
    entries than `limits` allow, as each costs memory, for its key; it names the `shard`.

    With a `span`, only what begins in it is given; headers before it are read, for their keys, and
    payloads are passed over.
    """
    wanted = _Wanted.of(members, limits)
    cursor = Cursor(stream)
    entries = 0
    seen: set[str] = set()
    run: _Run | None = None
    inside: _Run | None = None
    damage: Reject | None = None
    try:
        while (member := read_member(cursor)) is not None:
            entries += 1
            if entries > limits.max_entries:
                raise FairshardError(
                    f"{shard} holds more than input.limits.max_entries = {limits.max_entries:,} "
                    f"tar entries, at byte {member.offset:,}: raise the limit, or leave it out"
                )
            name = member.name.decode("utf-8", "surrogateescape")
            parts = split_name(name)
            reason = _why_ignored(member, name)
            if parts is None or reason is not None:
                cursor.skip(member.end - cursor.position)
                if run is not None:
                    run.interrupted = True
                if member.offset in span:
                    yield Ignored(_shown(name), reason or "its name has no key and extension")
                continue
            if run is None or run.key != parts[0]:
                yield from _closed(run, span)
                run = None
                if member.offset >= span.stop:
                    return
                run = _Run(parts[0], member.offset, wanted.within(member.offset, span), seen)
            inside = run
            run.add(member, name, parts[1].lower(), cursor)
            inside = None
        if cursor.position in span:
            yield from _after_the_end(cursor)
    except DamagedTarError as error:
        if inside is None:
            damage = Reject("", "read", str(error))
        else:
            inside.problem = str(error)
    yield from _closed(run, span)
    if damage is not None and cursor.position in span:
        yield damage


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The longest name, and of each wanted extension the limit on its payload and that one's name.

    Names of more bytes, and payloads of more, make rejects.
    """

    longest: int
    largest: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, members: Members, limits: Limits) -> "_Wanted":
        """What is wanted of `members` under `limits`."""
        most = (limits.max_member_bytes, "max_member_bytes")
        captions = min(most, (limits.max_caption_bytes, "max_caption_bytes"))
        metadata = min(most, (limits.max_metadata_bytes, "max_metadata_bytes"))
        kinds = ((members.image, most), (members.caption, captions), (members.metadata, metadata))
        largest = {name.lower(): limit for names, limit in kinds for name in names}
        return cls(limits.max_name_bytes, largest)

    def within(self, offset: int, span: range) -> "_Wanted":
        """What is wanted of a sample at `offset`: nothing outside of the span."""
        return self if offset in span else _Wanted(self.longest, {})


class _Run:
    """A run of members of one key, as they come."""

    def __init__(self, key: str, offset: int, wanted: _Wanted, seen: set[str]) -> None:
        self.key = key
        self.problem = _key_problem(key, seen)
        self.interrupted = False
        self._wanted = wanted
        self.offset = offset
        self._end = offset
        self._extensions = set(_FIELDS_OF_WEBDATASET)
        self._payloads: dict[str, bytes] = {}
        if len(key) <= wanted.longest:
            seen.add(key)

    def add(self, member: Member, name: str, extension: str, cursor: Cursor) -> None:
        """Take in one member, and leave the cursor behind it."""
        if self.problem is None:
            self.problem = self._problem_of(member, name, extension)
        if self.problem is None:
            self._extensions.add(extension)
        if self.problem is None and extension in self._wanted.largest:
            self._payloads[extension] = cursor.read(member.size)
        cursor.skip(member.end - cursor.position)
        self._end = member.end

    def close(self) -> Sample | Reject:
        """The sample, or why it is none."""
        if self.problem is not None:
            return Reject(_shown(self.key[: self._wanted.longest]), "read", self.problem)
        return Sample(self.key, self.offset, self._end - self.offset, self._payloads)

    def _problem_of(self, member: Member, name: str, extension: str) -> str | None:
        if self.interrupted:
            return "its members are not contiguous: a member of no sample stands between them"
        if member.kind not in REGULAR:
            kind = _KINDS.get(member.kind, f"of the unknown tar type {member.kind!r}")
            return f"{_quoted(name)} is {kind}: only regular files are read, links are not followed"
        if any(record.startswith(b"GNU.sparse.") for record in member.records):
            return f"{_quoted(name)} is a GNU sparse file: only regular files are read"
        if not _is_utf8(name):
            return f"the name {_quoted(name)} is not UTF-8"
        if _CONTROL.search(name):
            return f"the name {_quoted(name)} holds a control character"
        if len(member.name) > self._wanted.longest:
            return (
                f"the name {_quoted(name)} has {len(member.name)} bytes, more than "
                f"input.limits.max_name_bytes = {self._wanted.longest}"
            )
        if extension in self._extensions:
            return f"it has two members with the extension {_quoted(extension)}"
        largest, limit = self._wanted.largest.get(extension, (member.size, ""))
        if member.size > largest:
            return (
                f"{_quoted(name)} has {member.size} bytes, more than input.limits.{limit} = "
                f"{largest}"
            )
        return None


def _closed(run: _Run | None, span: range) -> Iterator[Sample | Reject]:
    if run is not None and run.offset in span:
        yield run.close()


def split_name(name: str) -> tuple[str, str] | None:
    """A member's key (with its folders) and extension: the last component, cut at its first dot.

    None where there is no dot, or nothing before it. As webdataset's `base_plus_ext`, but for
    hidden files in folders, which webdataset makes samples named after the folder.
    """
    start = name.rfind("/") + 1
    dot = name.find(".", start)
    return (name[:dot], name[dot + 1 :]) if dot > start else None


def _why_ignored(member: Member, name: str) -> str | None:
    if member.kind == GLOBAL:
        return "it is a PAX global header"
    if member.kind == DIRECTORY:
        return "it is a directory"
    return "it is a meta member of webdataset" if _META.match(name) else None


def _key_problem(key: str, seen: set[str]) -> str | None:
    if key in seen:
        return "its key occurred before in this shard, and not just before"
    if key.startswith("/"):
        return f"the name {_quoted(key)} is absolute"
    if ".." in key and ".." in key.split("/"):
        return f"the name {_quoted(key)} has a '..' in its path"
    return None


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 200 else f"{name[:200]}...")


def _after_the_end(cursor: Cursor) -> Iterator[Reject | Ignored]:
    """What is wrong behind the archive's last entry, or with an archive that has none."""
    if cursor.position == 0:
        yield Reject("", "read", "the shard is empty: it has no bytes")
    start = cursor.position
    while cursor.position - start < _TAIL_BYTES:
        data = cursor.read_up_to(20 * BLOCK)
        if not data:
            return
        if data.strip(b"\0"):
            yield Ignored("", f"bytes follow the end of the archive, which is at byte {start}")
            return
