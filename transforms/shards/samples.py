"""Reading webdataset shards: consecutive members of one key are a sample, with its byte range."""

from collections.abc import Iterator
from typing import IO

from transforms.base.errors import FairshardError
from transforms.config.sections import Limits, Members
from transforms.shards.headers import (
    Cursor,
    DamagedTarError,
    Member,
    TailError,
    member_after_end,
    read_member,
)
from transforms.shards.member_names import shown, split_name, why_ignored, why_no_key
from transforms.shards.parts import WHOLE
from transforms.shards.runs import Ignored, Loss, Reject, Run, Sample, Wanted
from transforms.shards.streams import open_tar

__all__ = ["Ignored", "Loss", "Reject", "Sample", "open_tar", "read_samples"]


def read_samples(
    stream: IO[bytes],
    members: Members,
    limits: Limits,
    span: range = WHOLE,
    shard: str = "a shard",
) -> Iterator[Sample | Reject | Ignored]:
    """The samples of the tar in `stream`, in order, in one forward pass; bad data gives Rejects.

    A sample is a run of members of one key, as webdataset groups them; members of no sample may
    stand between them, as loaders pass over these. Payloads of extensions that `members` does not
    name are passed over. Archives that were joined are read to the last one's end. After damage,
    all that is complete before it is kept, and the last Reject says from which byte on nothing can
    be read. Raises FairshardError where there are more entries than `limits` allow, as each costs
    memory, for its key; it names the `shard`.

    With a `span`, only what begins in it is given; headers before it are read, for their keys, and
    payloads are passed over.
    """
    wanted = Wanted.of(members, limits)
    cursor = Cursor(stream)
    seen: set[str] = set()
    run: Run | None = None
    inside: Run | None = None
    damage: Reject | Ignored | None = None
    try:
        for member in _members(cursor, limits, shard):
            if member is None:
                yield from _closed(run, span)
                run = None
                continue
            name = member.name.decode("utf-8", "surrogateescape")
            parts = split_name(name)
            reason = why_ignored(member, name)
            if parts is None or reason is not None:
                cursor.skip(member.end - cursor.position)
                if run is not None:
                    run.interrupted = True
                if member.offset in span:
                    yield Ignored(shown(name), reason or why_no_key(name))
                continue
            if run is None or run.key != parts[0]:
                yield from _closed(run, span)
                run = None
                if member.offset >= span.stop:
                    return
                run = Run(parts[0], member.offset, wanted.within(member.offset, span), seen)
            inside = run
            run.add(member, name, parts[1].lower(), cursor)
            inside = None
    except DamagedTarError as error:
        if inside is None:
            damage = _damage(error)
        else:
            inside.problem, inside.loss = str(error), Loss(inside.offset, error.problem)
    yield from _closed(run, span)
    if cursor.position == 0 and damage is None:
        problem = "the shard is empty: it has no bytes"
        damage = Reject("", "read", problem, Loss(0, problem))
    if damage is not None and damage.loss is not None and damage.loss.offset in span:
        yield damage


def _damage(error: DamagedTarError) -> Reject | Ignored:
    loss = Loss(error.at, error.problem)
    if isinstance(error, TailError):
        return Ignored(f"from byte {error.at} on", error.problem, loss)
    return Reject("", "read", str(error), loss)


def _members(cursor: Cursor, limits: Limits, shard: str) -> Iterator[Member | None]:
    """The entries of the archive, and of those that follow it; None at the end of each."""
    entries = 0
    while True:
        member = read_member(cursor)
        if member is None:
            yield None
            member = member_after_end(cursor)
            if member is None:
                return
        entries += 1
        if entries > limits.max_entries:
            raise FairshardError(
                f"{shard} holds more than input.limits.max_entries = {limits.max_entries:,} "
                f"tar entries, at byte {member.offset:,}: raise the limit, or leave it out"
            )
        yield member


def _closed(run: Run | None, span: range) -> Iterator[Sample | Reject]:
    if run is not None and run.offset in span:
        yield from run.close()
