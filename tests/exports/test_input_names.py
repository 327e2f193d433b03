"""Shards are named below the innermost folder that holds all of them."""

import pytest

from transforms.base.errors import FairshardError
from transforms.exports.input_names import below_one_folder
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard


def records(*urls: str) -> list[LabelRecord]:
    return [
        LabelRecord(Shard(f"{number:05d}", url, 0, ""), "", 0, 0, {}, 0, "", {})
        for number, url in enumerate(urls)
    ]


@pytest.mark.parametrize(
    ("urls", "folder", "names"),
    [
        (["/a/b/0.tar", "/a/b/1.tar"], "/a/b", ["0.tar", "1.tar"]),
        (["/a/b/c/0.tar", "/a/bc/1.tar"], "/a", ["b/c/0.tar", "bc/1.tar"]),
        (["/a/0.tar", "/b/0.tar"], "/", ["a/0.tar", "b/0.tar"]),
        (["/0.tar"], "/", ["0.tar"]),
        (["s3://b/x/0.tar", "s3://b/y/0.tar"], "s3://b", ["x/0.tar", "y/0.tar"]),
        (["https://me:pw@h/d/0.tar?X-Amz-Signature=abc"], "https://***@h/d", ["0.tar"]),
    ],
)
def test_names_are_relative(urls: list[str], folder: str, names: list[str]) -> None:
    assert below_one_folder(records(*urls)) == (folder, names)


@pytest.mark.parametrize(
    "urls",
    [("s3://a/0.tar", "s3://b/0.tar"), ("s3://a/0.tar", "/a/0.tar"), ("gs://a/0", "s3://a/0")],
)
def test_shards_of_several_places_are_refused(urls: tuple[str, ...]) -> None:
    with pytest.raises(FairshardError, match="lie in no folder that has all of them"):
        below_one_folder(records(*urls))
