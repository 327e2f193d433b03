"""Which metadata belongs to which vectors, by names alone."""

import pytest

from transforms.base.errors import ConfigError
from transforms.tables.pairing import beside, paired


@pytest.mark.parametrize(
    ("vectors", "others"),
    [
        (["e/img_emb/img_emb_0.npy"], ["any.parquet"]),
        (
            ["e/img_emb/img_emb_0.npy", "e/img_emb/img_emb_1.npy"],
            ["e/metadata/metadata_0.parquet", "e/metadata/metadata_1.parquet"],
        ),
        (["img_emb_0.npy", "img_emb_00.npy"], ["text_emb_0.npy", "text_emb_00.npy"]),
        (["a/00.npz", "a/01.npz"], ["a/00.parquet", "a/01.parquet"]),
        (["a/x.npz", "b/x.npz"], ["a/x.parquet", "b/x.parquet"]),
        (
            ["p/img_emb/img_emb_0.npy", "q/img_emb/img_emb_0.npy"],
            ["p/metadata/metadata_0.parquet", "q/metadata/metadata_0.parquet"],
        ),
        (["vectors-07.npy", "vectors-8.npy"], ["captions7.parquet", "captions_008.parquet"]),
        (["a.npy", "b.npy"], ["a.parquet", "b.parquet"]),
        (["https://h/0.npy?s=1", "https://h/1.npy?s=2"], ["https://h/0.parquet", "h/1.parquet"]),
    ],
)
def test_files_that_are_named_alike_belong_together(vectors: list[str], others: list[str]) -> None:
    assert paired(vectors, others, "k") == others
    assert paired(vectors, others[::-1], "k") == others


def test_more_metadata_than_vectors_is_no_error() -> None:
    found = paired(["img_emb_1.npy"], ["metadata_0.parquet", "metadata_1.parquet"], "k")
    assert found == ["metadata_1.parquet"]


@pytest.mark.parametrize(
    ("vectors", "others"),
    [
        (["a/0.npy", "a/1.npy"], ["a/0.parquet"]),
        (["a.npy", "b.npy"], ["c.parquet", "d.parquet"]),
        (["a/x.npy", "b/x.npy"], ["c/x.parquet", "d/x.parquet"]),
        (["x1.npy", "y1.npy"], ["v1.parquet", "w1.parquet"]),
    ],
)
def test_what_cannot_be_told_is_said(vectors: list[str], others: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"k: it cannot be told which file .*there are"):
        paired(vectors, others, "k")


def test_metadata_lies_where_clip_retrieval_and_datacomp_have_it() -> None:
    assert beside(["s3://b/e/img_emb/img_emb_0.npy", "s3://b/e/img_emb/img_emb_1.npy"]) == (
        "s3://b/e/metadata/*.parquet",
    )
    assert beside(["/d/[x]/00.npz"]) == ("/d/[[]x]/*.parquet",)
    assert beside(["https://h/img_emb/img_emb_0.npy?sig=s"]) == (
        "https://h/metadata/metadata_0.parquet?sig=s",
    )
