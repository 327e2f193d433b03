"""Keys of any type are text, and one text; hashes are the same on any machine."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.recognition.fields import key_of
from transforms.tables.keys import (
    buckets_of,
    hashes,
    key_texts,
    member_keys,
    sample_member_keys,
)

HASHES = [6754272901643539897, 7131671811655741485, 9428428497896827768, 0, 0, 18409281714785741679]
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.none(), max_size=30)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (pa.array([7, -1, None]), ["7", "-1", None]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([7.0, 0.5, float("nan"), None, -0.0]), ["7", "0.5", None, None, "0"]),
        (pa.array([16.0], pa.float32()), ["16"]),
        (pa.array(["007", " a ", "", None]), ["007", " a ", None, None]),
        (pa.array(["a"], pa.large_string()), ["a"]),
        (pa.array(["a", None]).dictionary_encode(), ["a", None]),
        (pa.array([b"a"]), ["a"]),
        (pa.array([Decimal("12.00"), Decimal("1.50")]), ["12", "1.50"]),
        (pa.array([True]), ["true"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_a_key_is_one_text(values: pa.Array, texts: list[str | None]) -> None:
    assert key_texts(values).to_pylist() == texts


@pytest.mark.parametrize(
    "values", [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"\xff"]), pa.array([b"\0" * 16])]
)
def test_what_is_no_key_is_said(values: pa.Array) -> None:
    if values.type == pa.binary() and values[0].as_py() == b"\0" * 16:
        assert key_texts(values).to_pylist() == ["\0" * 16]
        return
    with pytest.raises(ValueError, match="it holds "):
        key_texts(values)


@given(st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.booleans())
def test_a_value_of_metadata_is_the_key_that_a_column_has(value: object) -> None:
    if isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
        return
    assert key_of(value) == key_texts(pa.array([value]))[0].as_py()


def test_tars_and_members_are_named_as_samples_are() -> None:
    tars = ["00001", "00001.tar", "s3://bucket/x/00001.tar.gz", "c:\\x\\00001.TAR", 1, None]
    members = ["a/b.c", "./a/b.c.jpg", "a/b", "a/b.json", "x.y/b.c", "b"]
    keys = member_keys(pa.array(map(str, tars[:5])), pa.array(members[:5]))
    own = sample_member_keys("00001", pa.array(["a/b", "./a/b"])).to_pylist()
    assert own == ["00001\ta/b"] * 2
    assert keys.to_pylist() == [*own, *own, "1\tx.y/b"]
    assert member_keys(pa.array(["a", None]), pa.array([None, "b"], pa.string())).to_pylist() == [
        None,
        None,
    ]


def test_hashes_last() -> None:
    keys = pa.array(["a", "abcdefgh", "abcdefghi", "", None, "ä"])
    assert hashes(keys).tolist() == HASHES
    assert hashes(keys.slice(2, 2)).tolist() == HASHES[2:4]


@given(TEXTS, st.integers(1, 4096))
def test_equal_keys_have_equal_hashes_wherever_they_stand(
    keys: list[str | None], buckets: int
) -> None:
    hashed = hashes(pa.array(keys, pa.string()))
    alone = [hashes(pa.array([key], pa.string()))[0] for key in keys]
    assert hashed.tolist() == alone
    found = buckets_of(hashed, buckets)
    assert ((found >= 0) & (found < buckets)).all()
    assert (np.diff(found[np.argsort(hashed)]) >= 0).all()


def test_hashes_are_spread() -> None:
    hashed = hashes(pa.array([f"{number:032x}" for number in range(20_000)]))
    assert len(np.unique(hashed)) == 20_000
    sizes = np.bincount(buckets_of(hashed, 64), minlength=64)
    assert sizes.min() > 220
    assert sizes.max() < 410
