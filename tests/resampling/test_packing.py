import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.resampling.packing import Kept, pack

Sizes = list[list[int]]


def kept_of(sizes: Sizes) -> list[Kept]:
    return [
        Kept(
            f"{number:03d}",
            len(part),
            len(part),
            sum(part),
            max(part, default=0),
            (part or [0])[-1],
        )
        for number, part in enumerate(sizes)
    ]


@given(st.lists(st.lists(st.integers(1, 30), max_size=12), max_size=8), st.integers(1, 60))
def test_every_copy_goes_to_one_output_and_none_is_empty(sizes: Sizes, wanted: int) -> None:
    outputs = pack(kept_of(sizes), wanted)
    assert [output.number for output in outputs] == list(range(len(outputs)))
    begins = {f"{n:03d}": np.cumsum(part) - part for n, part in enumerate(sizes) if part}
    seen = []
    for output in outputs:
        held = 0
        for origin in output.origins:
            begin = begins[origin.shard]
            here = np.flatnonzero((begin >= origin.first) & (begin < origin.last))
            assert len(here)
            seen += [(origin.shard, int(row)) for row in here]
            held += len(here)
        assert held
    everything = [(f"{n:03d}", row) for n, part in enumerate(sizes) for row in range(len(part))]
    assert seen == everything


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(1, 20))
def test_by_samples_every_output_but_the_last_is_full(counts: list[int], wanted: int) -> None:
    outputs = pack(kept_of([[1] * count for count in counts]), wanted)
    sizes = [sum(origin.last - origin.first for origin in output.origins) for output in outputs]
    assert all(size == wanted for size in sizes[:-1])
    assert sum(sizes) == sum(counts)


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=30), min_size=1, max_size=5))
def test_by_bytes_an_output_holds_about_what_is_wanted(sizes: Sizes) -> None:
    outputs = pack(kept_of(sizes), 100)
    for output in outputs[:-1]:
        held = sum(origin.last - origin.first for origin in output.origins)
        assert abs(held - 100) <= 30


def test_nothing_kept_gives_no_output() -> None:
    assert pack([], 10) == ()
    assert pack(kept_of([[], []]), 10) == ()


def test_shards_are_numbered_on() -> None:
    kept = [Kept("a", 5, 5, 5, 1, 1), Kept("b", 2, 2, 2, 1, 1)]
    first, on = pack(kept, 3), pack(kept, 3, 40)
    assert [output.number for output in on] == [40, 41, 42]
    assert [output.origins for output in on] == [output.origins for output in first]
