"""Outputs whose shards have names that fairshard once gave: they keep these, and their labels."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from transforms import layout
from transforms.reading import at_once
from transforms.records import label_record_from
from transforms.redaction import redacted
from transforms.shard_names import stem_of
from transforms.shards import Shard, one_spelling
from transforms.storage import Storage


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
    times = Counter(one_spelling(shard.url) for shard in found)
    known = {one_spelling(shard.url): shard for shard in found}

    def named(shard: Shard) -> Shard:
        url = redacted(shard.url)
        if shard.name in on_file or times[url] != 1:
            return shard
        before = known[url]
        return replace(shard, name=before.name, url=shard.url if "://" in url else before.url)

    asked = Counter(redacted(shard.url) for shard in shards)
    return tuple(
        sorted(named(shard) if asked[redacted(shard.url)] == 1 else shard for shard in shards)
    )


def _recorded(name: str, storage: Storage) -> Shard | None:
    """The shard that a record is of; None where there is none that can be read."""
    try:
        shard = label_record_from(storage.find(layout.label_record(name)) or b"").shard
    except (ValueError, TypeError, KeyError):
        return None
    return shard if shard.name == name else None
