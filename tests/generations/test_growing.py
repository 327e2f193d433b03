"""Shards are added to an output that is written, which stays as it is."""

import json
from pathlib import Path

from tests.growing import (
    add_shard,
    append,
    corpus,
    manifest_of,
    rebalance,
    shards_of,
)


def test_new_shards_are_added_and_what_is_written_stays(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    before, first = shards_of(config), manifest_of(config)
    add_shard(tmp_path, "0", women=0.1)  # whose name comes before those of the others
    add_shard(tmp_path, "c", women=0.1)
    append(config)
    now, whole = shards_of(config), manifest_of(config)
    assert before.items() <= now.items()
    assert len(now) > len(before)
    assert [shard.name for shard in whole.shards[: len(first.shards)]] == [
        shard.name for shard in first.shards
    ]
    numbers = [int(Path(shard.name).stem) for shard in whole.shards]
    assert numbers == list(range(len(numbers)))
    assert {shard.generation for shard in whole.shards} == {0, 1}
    assert [(one.shard.split("--")[0], one.generation) for one in whole.inputs] == [
        ("a", 0),
        ("b", 0),
        ("0", 1),
        ("c", 1),
    ]
    assert whole.generations is not None
    assert [one.written for one in whole.generations] == [
        first.totals.written,
        whole.totals.written - first.totals.written,
    ]
    assert whole.totals.in_ == 240
    sizes = json.loads((tmp_path / "out/shards/sizes.json").read_bytes())
    assert sum(sizes.values()) == whole.totals.written
    assert len(sizes) == len(whole.shards)
