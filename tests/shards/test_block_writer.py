"""Writing in blocks: the same bytes whatever the steps, and no failure of the sink is lost."""

import hashlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.shards.block_writer import BLOCK_BYTES, BlockWriter

sizes = st.lists(
    st.integers(0, 5000) | st.sampled_from([BLOCK_BYTES // 2, BLOCK_BYTES]), max_size=6
)


@settings(max_examples=20)
@given(sizes)
def test_all_that_was_taken_in_is_written_in_order(steps: list[int]) -> None:
    sink = io.BytesIO()
    parts = [bytes([number + 1]) * size for number, size in enumerate(steps)]
    with BlockWriter(sink) as writer:
        for number, part in enumerate(parts):
            if number % 2:
                writer.room(len(part))[:] = part
            else:
                writer.write(part)
    expected = b"".join(parts)
    assert sink.getvalue() == expected
    assert writer.bytes == len(expected)
    assert writer.sha256 == hashlib.sha256(expected).hexdigest()


class Full(io.RawIOBase):
    """A sink that takes nothing."""

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        raise OSError("no space left")


@pytest.mark.parametrize("blocks", [1, 4])
def test_a_sink_that_fails_stops_the_writer(blocks: int) -> None:
    with pytest.raises(OSError, match="no space left"), BlockWriter(Full()) as writer:
        for _ in range(blocks):
            writer.write(bytes(BLOCK_BYTES))


def test_after_an_error_of_the_caller_the_rest_is_not_written() -> None:
    sink = io.BytesIO()
    with pytest.raises(ZeroDivisionError), BlockWriter(sink) as writer:
        writer.write(b"begun")
        raise ZeroDivisionError
    assert sink.getvalue() == b""
