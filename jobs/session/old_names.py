"""Outputs whose shards have names that fairshard once gave: they keep these, and their labels."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from transforms.base.redaction import redacted
from transforms.labels.records import label_record_from
from transforms.shards.finding import Shard, one_spelling
from transforms.shards.naming import stem_of
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.files import Storage


def as_labelled(
    shards: Sequence[Shard], on_file: Collection[str], storage: Storage
) -> tuple[Shard, ...]:
    """`shards`, those that are labelled under a name of the old kind under that name.

    A shard is told by its URL. `on_file` are the names that there are records of.
    """
    new = {shard.name for shard in shards}
    if new <= set(on_file):
        return tuple(shards)
    old = [name for name in on_file if name not in new and stem_of(name) == name]
    found = [shard for shard in at_once(lambda name: _recorded(name, storage), old) if shard]
    times = Counter(_shown(shard) for shard in found)
    known = {_shown(shard): shard for shard in found}

    def named(shard: Shard) -> Shard:
        if shard.name in on_file or times[_shown(shard)] != 1:
            return shard
        before = known[_shown(shard)]
        return replace(shard, name=before.name, url=_as_recorded(before.url, shard.url))

    asked = Counter(map(_shown, shards))
    return tuple(sorted(named(shard) if asked[_shown(shard)] == 1 else shard for shard in shards))


def _shown(shard: Shard) -> str:
    """A shard's URL as every record has it: those of old hide what looks like a secret in paths."""
    return redacted(one_spelling(shard.url))


def _as_recorded(before: str, url: str) -> str:
    return before if one_spelling(before) == one_spelling(url) else url


def _recorded(name: str, storage: Storage) -> Shard | None:
    """The shard that a record is of; None where there is none that can be read."""
    try:
        shard = label_record_from(storage.find(paths.label_record(name)) or b"").shard
    except (ValueError, TypeError, KeyError):
        return None
    return shard if shard.name == name else None
