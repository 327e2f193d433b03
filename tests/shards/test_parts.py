import io
import tarfile
from functools import cache
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import config_of, write_corpus
from transforms.config.sections import Input, Limits, Members
from transforms.labels.labelling import Labeller
from transforms.shards.finding import Shard, find_shards
from transforms.shards.parts import NOTHING, WHOLE, parts_of, read_by
from transforms.shards.samples import Ignored, Reject, Sample, read_samples
from transforms.storage.files import output_storage

Entry = Sample | Reject | Ignored


def shard(size: int, url: str = "a.tar") -> Shard:
    return Shard("a", url, size, "")


@given(st.integers(0, 10_000), st.integers(1, 3_000))
def test_the_parts_cover_the_shard_without_overlap(size: int, part_bytes: int) -> None:
    parts = parts_of(shard(size), Input(shards=("a.tar",), part_bytes=part_bytes))
    assert parts[0].span.start == 0
    assert parts[-1].span.stop == WHOLE.stop
    assert all(one.span.stop == other.span.start for one, other in pairwise(parts))
    assert [part.index for part in parts] == list(range(parts[0].count))
    assert all(part.span.start < max(size, 1) for part in parts)


def test_the_first_part_of_a_compressed_shard_is_all_of_it() -> None:
    parts = parts_of(shard(25), Input(shards=("a.tar",), part_bytes=10))
    assert [read_by(part, False) for part in parts] == [part.span for part in parts]
    assert [read_by(part, True) for part in parts] == [WHOLE, NOTHING, NOTHING]


@cache
def everything_odd() -> bytes:
    """A tar with directories, a key that occurs again, links and names of another script."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(12):
            for extension, size in (("jpg", 100 + 700 * (number % 4)), ("txt", 20)):
                key = "again" if number in (3, 9) else f"k\u00e9y-{number}"
                info = tarfile.TarInfo(f"{key}.{extension}")
                info.size = size
                archive.addfile(info, io.BytesIO(bytes(size)))
            special = tarfile.TarInfo(f"special{number}.txt" if number % 5 == 4 else "folder")
            special.type = tarfile.SYMTYPE if number % 5 == 4 else tarfile.DIRTYPE
            if number % 3 == 1:
                archive.addfile(special)
    return sink.getvalue()


def sorted_out(entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
    """What labels are made of, and what is ignored, each in its order."""
    ignored = [entry for entry in entries if isinstance(entry, Ignored)]
    return [entry for entry in entries if not isinstance(entry, Ignored)], ignored


@given(st.integers(500, 40_000), st.integers(0, 30_000))
def test_the_parts_read_what_the_whole_reads(part_bytes: int, cut: int) -> None:
    content = everything_odd()[: len(everything_odd()) - cut]
    whole = list(read_samples(io.BytesIO(content), Members(), Limits()))
    parts = parts_of(shard(len(content)), Input(shards=("a.tar",), part_bytes=part_bytes))
    apart = [
        entry
        for part in parts
        for entry in read_samples(io.BytesIO(content), Members(), Limits(), part.span)
    ]
    assert sorted_out(apart) == sorted_out(whole)


def test_labels_in_parts_are_the_labels(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60, shards=1)
    whole = config_of(tmp_path, output={"url": "whole"})
    apart = config_of(
        tmp_path, output={"url": "apart"}, input={"shards": "in/*.tar", "part_bytes": 20_000}
    )
    found = [
        Labeller(config).label(find_shards(config.input)[0], output_storage(config.output))
        for config in (whole, apart)
    ]
    assert len(parts_of(found[1].shard, apart.input)) > 3
    assert found[0].table_digest == found[1].table_digest
