"""Members of one key, as they come: a sample, or why it is none."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from transforms.config.sections import Limits, Members
from transforms.shards.headers import REGULAR, Cursor, Member
from transforms.shards.member_names import CONTROL, is_utf8, key_problem, quoted, shown

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
    Where it is `mixed`, members of no sample stand between its own. extensions: those of all its
    members.
    """

    key: str
    offset: int
    size: int
    members: Mapping[str, bytes]
    mixed: bool = False
    extensions: Collection[str] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Loss:
    """What cannot be read: all of the (decompressed) tar from `offset` on, and why."""

    offset: int
    problem: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A sample that cannot be used, and why; key "" where the bytes give no key.

    `loss` is what is lost with it, where it is more than the sample.
    """

    key: str
    stage: str
    error: str
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A member that belongs to no sample, and why; or what follows the end, which is a loss."""

    name: str
    reason: str
    loss: Loss | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """The longest name, and of each wanted extension the limit on its payload and that one's name.

    Names of more bytes, and payloads of more, make rejects.
    """

    longest: int
    largest: Mapping[str, tuple[int, str]]

    @classmethod
    def of(cls, members: Members, limits: Limits) -> "Wanted":
        """What is wanted of `members` under `limits`."""
        most = (limits.max_member_bytes, "max_member_bytes")
        captions = min(most, (limits.max_caption_bytes, "max_caption_bytes"))
        metadata = min(most, (limits.max_metadata_bytes, "max_metadata_bytes"))
        kinds = ((members.image, most), (members.caption, captions), (members.metadata, metadata))
        largest = {name.lower(): limit for names, limit in kinds for name in names}
        return cls(limits.max_name_bytes, largest)

    def within(self, offset: int, span: range) -> "Wanted":
        """What is wanted of a sample at `offset`: nothing outside of the span."""
        return self if offset in span else Wanted(self.longest, {})


class Run:
    """A run of members of one key, as they come."""

    def __init__(self, key: str, offset: int, wanted: Wanted, seen: set[str]) -> None:
        self.key = key
        self.problem = key_problem(key, seen)
        self.loss: Loss | None = None
        self.interrupted = False
        self.offset = offset
        self._wanted = wanted
        self._end = offset
        self._mixed = False
        self._found = False
        self._dotted: dict[str, None] = {}
        self._extensions = set(_FIELDS_OF_WEBDATASET)
        self._payloads: dict[str, bytes] = {}
        if len(key) <= wanted.longest:
            seen.add(key)

    def add(self, member: Member, name: str, extension: str, cursor: Cursor) -> None:
        """Take in one member, and leave the cursor behind it."""
        if self.interrupted:
            self._mixed = True
        if self.problem is None:
            self.problem = self._problem_of(member, name, extension)
        if self.problem is None:
            self._extensions.add(extension)
        if extension in self._wanted.largest:
            self._found = True
            if self.problem is None:
                self._payloads[extension] = cursor.read(member.size)
        elif "." in extension and not self._found:
            self._note_dots(member, name, extension)
        cursor.skip(member.end - cursor.position)
        self._end = member.end

    def close(self) -> Iterator[Sample | Reject]:
        """The sample, or why it is none; several Rejects where loaders take several for one."""
        apart = () if self._found else tuple(self._dotted)
        for key in apart:
            yield Reject(shown(key), "read", self._dots(len(apart)))
        if self.problem is not None and (self.loss is not None or not apart):
            key = shown(self.key[: self._wanted.longest])
            yield Reject(key, "read", self.problem, self.loss)
        elif not apart:
            size = self._end - self.offset
            given = self._extensions - _FIELDS_OF_WEBDATASET
            yield Sample(self.key, self.offset, size, self._payloads, self._mixed, given)

    def _dots(self, count: int) -> str:
        return (
            f"its key holds a dot: loaders end keys at the first dot, so that {count} have the key "
            f"{quoted(self.key)} and no extension of input.members; rename the members"
        )

    def _note_dots(self, member: Member, name: str, extension: str) -> None:
        """Remember the key that the name would have if keys could hold dots."""
        last = extension.rpartition(".")[2]
        named = len(member.name) <= self._wanted.longest and member.kind in REGULAR
        if named and last in self._wanted.largest:
            self._dotted[name[: -len(last) - 1]] = None

    def _problem_of(self, member: Member, name: str, extension: str) -> str | None:
        if member.kind not in REGULAR:
            kind = _KINDS.get(member.kind, f"of the unknown tar type {member.kind!r}")
            return f"{quoted(name)} is {kind}: only regular files are read, links are not followed"
        if any(record.startswith(b"GNU.sparse.") for record in member.records):
            return f"{quoted(name)} is a GNU sparse file: only regular files are read"
        if not is_utf8(name):
            return f"the name {quoted(name)} is not UTF-8"
        if CONTROL.search(name):
            return f"the name {quoted(name)} holds a control character"
        if len(member.name) > self._wanted.longest:
            return (
                f"the name {quoted(name)} has {len(member.name)} bytes, more than "
                f"input.limits.max_name_bytes = {self._wanted.longest}"
            )
        if extension in self._extensions:
            return f"it has two members with the extension {quoted(extension)}"
        largest, limit = self._wanted.largest.get(extension, (member.size, ""))
        if member.size > largest:
            return (
                f"{quoted(name)} has {member.size} bytes, more than input.limits.{limit} = "
                f"{largest}"
            )
        return None
