"""What was lost beyond single samples, and what was passed over: named, and budgeted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transforms.base.counts import counted, first_of, named
from transforms.config.sections import Limits
from transforms.labels.records import LabelRecord

_NAMED = 3
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class LossKind:
    """Shards that cannot be read, or not to their end, for the same reason.

    shards: their names. lost_bytes: about how many bytes of theirs are unread.
    """

    problem: str
    shards: tuple[str, ...]
    lost_bytes: int

    def __str__(self) -> str:
        return f"{self.named} ({self.problem})"

    @property
    def named(self) -> str:
        """Some of the shards, and how many more there are."""
        return first_of(self.shards, _NAMED)


@dataclass(frozen=True, slots=True)
class IgnoredKind:
    """Members that belong to no sample for the same reason: how many, and some names in a shard."""

    reason: str
    members: int
    shard: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(map(repr, filter(None, self.names)))
        example = f"as {names} in {self.shard}" if names else f"in {self.shard}"
        return f"{self.members:,} x {self.reason} ({example})"


def losses(records: Iterable[LabelRecord]) -> list[LossKind]:
    """The kinds of damage in the shards, and of shards without a sample, the largest first."""
    return _kinds(record for record in records if record.damage or not record.samples)


def all_ignored(records: Iterable[LabelRecord]) -> list[IgnoredKind]:
    """Members that belong to no sample, by reason, the most frequent first."""
    kinds: dict[str, IgnoredKind] = {}
    for record in records:
        for reason, members in record.ignored.items():
            found = kinds.get(reason)
            names = found.names if found and found.names else record.examples.get(reason, ())
            shard = found.shard if found and found.names else record.shard.name
            total = members + (found.members if found else 0)
            kinds[reason] = IgnoredKind(reason, total, shard, tuple(names))
    return sorted(kinds.values(), key=lambda kind: (-kind.members, kind.reason))


def exceeded_losses(records: Sequence[LabelRecord], limits: Limits) -> list[str]:
    """A clause for each budget of shards and bytes that is exceeded: how, by which shards."""
    found = []
    without = [record for record in records if not record.samples]
    if len(without) > limits.max_lost_shards:
        found.append(
            f"{len(without):,} of {counted(len(records), 'shard')} "
            f"{named(len(records), 'gives', 'give')} no sample, more than "
            f"input.limits.max_lost_shards = {limits.max_lost_shards:,} allows: "
            f"{_in_words(without)}"
        )
    total = sum(record.shard.bytes for record in records)
    lost = sum(record.lost_bytes for record in records)
    if lost > limits.max_lost_share * total:
        found.append(
            f"about {lost:,} of {total:,} bytes ({lost / total:.1%}) cannot be read, more than "
            f"input.limits.max_lost_share = {limits.max_lost_share:g} allows: "
            f"{_in_words(record for record in records if record.lost_bytes)}"
        )
    return found


def _in_words(records: Iterable[LabelRecord]) -> str:
    kinds = _kinds(records)
    more = f"; and {len(kinds) - _SHOWN} other reasons" if len(kinds) > _SHOWN else ""
    return "; ".join(map(str, kinds[:_SHOWN])) + more


def _kinds(records: Iterable[LabelRecord]) -> list[LossKind]:
    by_problem: dict[str, list[LabelRecord]] = {}
    for record in records:
        by_problem.setdefault(_problem_of(record), []).append(record)
    kinds = [
        LossKind(
            problem,
            tuple(sorted(record.shard.name for record in found)),
            sum(record.lost_bytes for record in found),
        )
        for problem, found in by_problem.items()
    ]
    return sorted(kinds, key=lambda kind: (-len(kind.shards), kind.problem))


def _problem_of(record: LabelRecord) -> str:
    if record.damage:
        return record.damage
    return "none of its samples can be used" if record.rejects else "it holds no samples"
