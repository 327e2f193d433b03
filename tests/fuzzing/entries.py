"""Very many tiny members: python -m tests.fuzzing.entries [NUMBER] reads a tar of so many samples.

Prints the seconds, and by how much the process grew: what it keeps is one key a sample.
"""

import io
import resource
import sys
import time

from tests.tarmaking import raw_entry
from transforms.config.sections import Limits, Members
from transforms.shards.samples import Sample, read_samples

_CHECKSUM = slice(148, 155)


class Entries(io.RawIOBase):
    """A tar of `number` empty captions, made as it is read."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._next = 0
        self._block = bytearray(raw_entry(b"00000000.txt"))
        self._sum = int(self._block[_CHECKSUM].rstrip(b"\0 "), 8) - 8 * ord("0")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if len(buffer) < len(self._block) or self._next == self._number:
            return 0
        name = b"%08d" % self._next
        self._next += 1
        self._block[:8] = name
        self._block[_CHECKSUM] = b"%06o\0" % (self._sum + sum(name))
        buffer[: len(self._block)] = self._block
        return len(self._block)


def peak_mib() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Read them, and say what it took."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    before, started = peak_mib(), time.perf_counter()
    limits = Limits(max_entries=number)
    with io.BufferedReader(Entries(number), 512) as stream:
        found = sum(isinstance(entry, Sample) for entry in read_samples(stream, Members(), limits))
    seconds, grown = time.perf_counter() - started, peak_mib() - before
    print(f"{found:,} of {number:,} samples read in {seconds:.0f} s; grew by {grown:,} MiB")


if __name__ == "__main__":
    main()
