"""Vectors in npy and npz files: what is read of them, and what is said of those that are wrong."""

import io
import pickle
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from transforms.base.errors import FairshardError
from transforms.tables.vectors import arrays_in, opened_vectors

VECTORS = np.random.default_rng(0).standard_normal((10, 4))


def _npy(array: NDArray[Any], allow_pickle: bool = False) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=allow_pickle)
    return sink.getvalue()


def _npz(save: Callable[..., None] = np.savez, **arrays: NDArray[Any]) -> bytes:
    sink = io.BytesIO()
    save(sink, **arrays)
    return sink.getvalue()


def _taken(content: bytes, array: str = "", step: int = 3) -> NDArray[np.float32]:
    with opened_vectors(io.BytesIO(content), "v.npy", array) as vectors:
        blocks = [vectors.take(step) for _ in range(0, vectors.rows, step)]
        assert len(vectors.take(step)) == 0
    return np.concatenate(blocks)


@pytest.mark.parametrize("kind", ["<f2", ">f2", "<f4", ">f4", "<f8"])
def test_vectors_are_read_in_steps(kind: str) -> None:
    array = VECTORS.astype(kind)
    assert (_taken(_npy(array)) == array.astype(np.float32)).all()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_vectors_of_an_npz_are_those_of_the_array_that_is_named(save: Callable[..., None]) -> None:
    content = _npz(save, b32_img=VECTORS.astype(np.float16), b32_txt=np.zeros((10, 4)))
    assert arrays_in(io.BytesIO(content), "v.npz") == ("b32_img", "b32_txt")
    assert (_taken(content, "b32_img") == VECTORS.astype(np.float16).astype(np.float32)).all()
    assert arrays_in(io.BytesIO(_npy(VECTORS)), "v.npy") is None


def test_what_does_not_fit_a_float_is_infinite_and_no_error() -> None:
    assert np.isinf(_taken(_npy(np.full((1, 2), 1e300)))).all()


WRONG = {
    "empty": (b"", "v.npy is not an array as np.save writes it"),
    "a text": (b"hello, hello, hello", "v.npy is not an array as np.save writes it"),
    "a pickle": (pickle.dumps(VECTORS), "v.npy is not an array as np.save writes it"),
    "objects": (_npy(np.array([[{}, 1]]), True), "v.npy holds Python objects, which only a pickle"),
    "integers": (_npy(np.ones((2, 2), np.int8)), "v.npy holds values of the type int8: save it as"),
    "bfloat16": (
        _npy(np.zeros((2, 2), "V2")),
        r"of the type \|V2 \(of bfloat16, perhaps\)",
    ),
    "complex": (_npy(np.ones((2, 2), complex)), "holds values of the type complex128"),
    "fields": (_npy(np.zeros(2, "u8,u8")), "holds values of the type"),
    "one dimension": (_npy(VECTORS[0]), r"of the shape \(4,\), and one vector a row is wanted"),
    "three dimensions": (_npy(VECTORS[None]), r"of the shape \(1, 10, 4\)"),
    "no dimension": (_npy(np.empty((3, 0))), r"of the shape \(3, 0\)"),
    "Fortran order": (_npy(np.asfortranarray(VECTORS)), "v.npy is in Fortran order"),
    "cut in a header": (_npy(VECTORS)[:40], "v.npy is not an array as np.save writes it"),
    "cut in the vectors": (_npy(VECTORS)[:-70], "v.npy ends after 7 of its 10 vectors"),
    "a negative number of rows": (
        _npy(VECTORS).replace(b"(10, 4)", b"(-1, 4)"),
        r"of the shape \(-1, 4\)",
    ),
    "far too many rows": (
        _npy(VECTORS).replace(b"(10, 4), }    ", b"(10000000, 4),}"),
        "v.npy ends after 10 of its 10,000,000 vectors",
    ),
}


@pytest.mark.parametrize(("content", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_one_sentence(content: bytes, why: str) -> None:
    with pytest.raises(FairshardError, match=why) as raised:
        _taken(content, step=100_000)
    assert "\n" not in str(raised.value)


def _damaged(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def test_damage_of_an_npz_is_one_sentence() -> None:
    stored = _npz(a=VECTORS)
    packed = _npz(np.savez_compressed, a=np.zeros((100_000, 4)))
    middle = stored.index(b"NUMPY") + 200
    for content, why in (
        (_damaged(stored, middle), "a in v.npy is damaged: Bad CRC-32"),
        (_damaged(packed, len(packed) // 2), "a in v.npy is damaged"),
        (stored[:-30], "v.npy is damaged: File is not a zip file"),
    ):
        with pytest.raises(FairshardError, match=why):
            arrays_in(io.BytesIO(content), "v.npy")
            _taken(content, "a", step=1000)


def test_an_npz_of_another_kind_has_no_arrays() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("notes.txt", "none")
    assert arrays_in(sink, "v.npz") == ()
