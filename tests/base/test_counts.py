"""One of a thing is said as one."""

from transforms.base.counts import counted, named


def test_numbers_of_things() -> None:
    assert [counted(number, "shard") for number in (0, 1, 2, 1234)] == [
        "0 shards",
        "1 shard",
        "2 shards",
        "1,234 shards",
    ]
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"
    assert (named(1, "is", "are"), named(0, "is", "are")) == ("is", "are")
