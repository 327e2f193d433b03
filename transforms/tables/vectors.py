"""Vectors in npy and npz files: read forward, some rows at a time, and never unpickled."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from numpy.typing import NDArray

from transforms.base.counts import counted
from transforms.base.errors import FairshardError, reason_of

_ZIP = b"PK"
_NPY = ".npy"
_FLOATS = (2, 4, 8)
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


class Vectors:
    """The vectors of an array (rows, width) of floating point numbers, in their order."""

    def __init__(self, stream: IO[bytes], shown: str) -> None:
        self._stream = stream
        self.shown = shown
        self._taken = 0
        shape, by_columns, self._dtype = self._header()
        self._check(shape, by_columns)
        self.rows, self.width = shape

    def take(self, count: int) -> NDArray[np.float32]:
        """The next `count` vectors, or as many as are left; FairshardError where the file ends."""
        count = min(count, self.rows - self._taken)
        size = self.width * self._dtype.itemsize
        content = self._read(count * size)
        if len(content) < count * size:
            raise FairshardError(
                f"{self.shown} ends after {self._taken + len(content) // size:,} of its "
                f"{counted(self.rows, 'vector')}: restore the file, or make it again"
            )
        self._taken += count
        with np.errstate(over="ignore"):
            vectors = np.frombuffer(content, self._dtype).astype(np.float32)
        return vectors.reshape(count, self.width)

    def _read(self, size: int) -> bytes:
        with _whole(self.shown):
            return self._stream.read(size)

    def _header(self) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
        """Shape, whether it is in Fortran order, and the type of its numbers."""
        try:
            with _whole(self.shown):
                version = np.lib.format.read_magic(self._stream)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, by_columns, dtype = read(self._stream)
                return shape, by_columns, dtype
        except (ValueError, TypeError) as error:
            raise FairshardError(
                f"{self.shown} is not an array as np.save writes it: {reason_of(error)}"
            ) from error

    def _check(self, shape: tuple[int, ...], by_columns: bool) -> None:
        if self._dtype.hasobject:
            raise FairshardError(
                f"{self.shown} holds Python objects, which only a pickle could give back, and "
                "fairshard opens none: save it as an array of numbers"
            )
        if self._dtype.kind != "f" or self._dtype.itemsize not in _FLOATS:
            perhaps = " (of bfloat16, perhaps)" if self._dtype == np.dtype("V2") else ""
            raise FairshardError(
                f"{self.shown} holds values of the type {self._dtype}{perhaps}: save it as "
                "float16, float32 or float64"
            )
        if len(shape) != 2 or shape[0] < 0 or shape[1] < 1:
            raise FairshardError(
                f"{self.shown} is an array of the shape {shape}, and one vector a row is wanted: "
                "(rows, dimensions)"
            )
        if by_columns:
            raise FairshardError(
                f"{self.shown} is in Fortran order, in which no vector stands in one place: save "
                "np.ascontiguousarray of it"
            )


def arrays_in(stream: IO[bytes], shown: str) -> tuple[str, ...] | None:
    """The names of the arrays in an npz file; None of a file that is none.

    The `stream` must be seekable, and is at its beginning again; it is `shown` in sentences.
    """
    if not _is_zip(stream):
        return None
    with _whole(shown), zipfile.ZipFile(stream) as archive:
        names = archive.namelist()
    stream.seek(0)
    return tuple(name.removesuffix(_NPY) for name in names if name.endswith(_NPY))


@contextmanager
def opened_vectors(stream: IO[bytes], shown: str, array: str = "") -> Iterator[Vectors]:
    """The vectors of an npy file or, where an `array` is named, those of it in an npz file."""
    if not array:
        yield Vectors(stream, shown)
        return
    with _whole(shown), zipfile.ZipFile(stream) as archive, archive.open(array + _NPY) as member:
        yield Vectors(member, f"{array} in {shown}")


def _is_zip(stream: IO[bytes]) -> bool:
    stream.seek(0)
    found = stream.read(len(_ZIP)) == _ZIP
    stream.seek(0)
    return found


@contextmanager
def _whole(shown: str) -> Iterator[None]:
    """What a file that is damaged raises in the block, in a sentence that names it."""
    try:
        yield
    except _DAMAGE as error:
        raise FairshardError(
            f"{shown} is damaged: {reason_of(error)}; restore the file, or make it again"
        ) from error
