"""What reading a shard shows beside its samples: what was passed over, and what cannot be read."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import IO

from transforms.shards.file_kinds import Compression
from transforms.shards.samples import Ignored, Loss
from transforms.shards.streams import compression_of, stored_position

EXAMPLES = 3
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a shard, or a part; the fields are those of a LabelRecord."""

    ignored: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    damage: str = ""
    lost_bytes: int = 0
    compression: Compression = ""


class Finder:
    """Takes note of what is found in a shard of `stored` bytes as its stream is read."""

    def __init__(self, stored: int) -> None:
        self._stored = stored
        self._ignored: Counter[str] = Counter()
        self._examples: dict[str, tuple[str, ...]] = {}
        self._compression: Compression = ""
        self._loss: Loss | None = None
        self._lost_bytes = 0

    def open(self, stream: IO[bytes]) -> None:
        """The stream that is read."""
        self._compression = compression_of(stream)

    def ignore(self, member: Ignored) -> None:
        """A member that belongs to no sample."""
        self._ignored[member.reason] += 1
        names = self._examples.get(member.reason, ())
        if len(names) < EXAMPLES:
            self._examples[member.reason] = (*names, member.name[:_LONGEST_NAME])

    def lose(self, loss: Loss, stream: IO[bytes]) -> None:
        """The end of what can be read of the stream."""
        packed = self._compression and loss.offset
        self._loss = loss
        self._lost_bytes = max(
            0, self._stored - (stored_position(stream) if packed else loss.offset)
        )

    def findings(self) -> Findings:
        """What was found."""
        damage = self._loss.problem if self._loss else ""
        return Findings(
            dict(self._ignored), self._examples, damage, self._lost_bytes, self._compression
        )


def merged_findings(parts: Iterable[Findings]) -> Findings:
    """The findings of a shard, of those of its parts in their order."""
    found = list(parts)
    ignored = sum((Counter(part.ignored) for part in found), Counter[str]())
    examples = {
        reason: tuple(name for part in found for name in part.examples.get(reason, ()))[:EXAMPLES]
        for reason in sorted(ignored)
    }
    return Findings(
        dict(sorted(ignored.items())),
        examples,
        next((part.damage for part in found if part.damage), ""),
        sum(part.lost_bytes for part in found),
        found[0].compression,
    )
