"""Files whose rows belong together, read side by side: vectors of images and captions, metadata."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.base.counts import counted, first_of
from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.base.nearest import did_you_mean
from transforms.tables.files import FoundFile, opened, require_unchanged_file
from transforms.tables.lacking import LackingError
from transforms.tables.parquet_rows import parquet_batches
from transforms.tables.rows import RowFile
from transforms.tables.vectors import Vectors, arrays_in, opened_vectors

_AT_ONCE = 4096
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Aligned:
    """Some rows: columns of the metadata, vectors (n, d), those of captions where there are any."""

    metadata: pa.Table
    images: NDArray[np.float32]
    texts: NDArray[np.float32] | None


@dataclass(frozen=True)
class AlignedFiles:
    """How files that belong together are read; `key` is that of the configuration that names them.

    arrays: of an npz, the first of these is read that it has or, where it has none of them and one
    array alone, that one; `chosen` by hand, no other will do. columns: those of the metadata.
    caption: that of captions, which are wanted where there are no vectors of them, neither in a
    file of their own nor as the array b32_txt beside b32_img; "" where neither is wanted.
    """

    key: str
    arrays: tuple[str, ...]
    chosen: bool
    columns: tuple[str, ...]
    caption: str
    options: dict[str, Any]

    def rows(self, file: RowFile, check: Callable[[int, str], None]) -> Generator[Aligned]:
        """The rows of a `row_file`, some at a time; `check` is given the dimensions of vectors.

        Raises FairshardError where a file cannot be read, or they do not fit each other,
        ConfigError where they are not what the configuration says, ChangedInputError where one
        changed meanwhile.
        """
        told = json.loads(file.version)
        files = [FoundFile(url, *one) for url, one in zip(file.urls, told, strict=True)]
        vectors, metadata, *captions = files
        with ExitStack() as stack:
            images, array = self._vectors(stack, vectors)
            check(images.width, images.shown)
            counts = {images.shown: images.rows}
            texts = self._texts(stack, vectors, array, captions)
            if texts is not None:
                check(texts.width, texts.shown)
                counts[texts.shown] = texts.rows
            columns = self.columns if texts or not self.caption else (*self.columns, self.caption)
            stream = stack.enter_context(self._opened(metadata))
            with _whole(metadata.url):
                counts[metadata.url] = pq.ParquetFile(stream).metadata.num_rows
            _require_equal(counts, self.key)
            for batch in self._metadata(stream, metadata.url, columns):
                for start in range(0, max(1, batch.num_rows), _AT_ONCE):
                    some = batch.slice(start, _AT_ONCE)
                    count = some.num_rows
                    yield Aligned(
                        some, images.take(count), None if texts is None else texts.take(count)
                    )
        for one in files:
            require_unchanged_file(one, self.options)

    def _vectors(self, stack: ExitStack, file: FoundFile) -> tuple[Vectors, str]:
        """The vectors of images in a file, and the array of an npz that they are, "" in an npy."""
        stream = stack.enter_context(self._opened(file))
        names = arrays_in(stream, file.url)
        array = self._array(names, file.url) if names is not None else ""
        return stack.enter_context(opened_vectors(stream, file.url, array)), array

    def _texts(
        self, stack: ExitStack, vectors: FoundFile, array: str, captions: Sequence[FoundFile]
    ) -> Vectors | None:
        """The vectors of captions, where they are wanted and there are any."""
        if not self.caption or not (captions or array):
            return None
        file = captions[0] if captions else vectors
        stream = stack.enter_context(self._opened(file))
        names = arrays_in(stream, file.url)
        if names is None:
            return stack.enter_context(opened_vectors(stream, file.url))
        beside = array.removesuffix("_img") + "_txt"
        if beside not in names:
            if not captions:
                return None
            beside = self._array(names, file.url)
        return stack.enter_context(opened_vectors(stream, file.url, beside))

    def _array(self, names: Sequence[str], url: str) -> str:
        found = next((array for array in self.arrays if array in names), None)
        if found is None and len(names) == 1 and not self.chosen:
            found = names[0]
        if found is not None:
            return found
        there_are = first_of(names, _MOST_NAMED) or "none"
        if self.chosen:
            [array] = self.arrays
            wrong = f"there is no array {array!r} in {url}; there are: {there_are}"
            raise ConfigError(f"{self.key}.array: {wrong}{did_you_mean(array, names)}")
        raise ConfigError(
            f"{self.key}.array: say which array of {url} holds the vectors of images; there are: "
            f"{there_are}"
        )

    def _metadata(self, stream: IO[bytes], url: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Columns of the metadata, many rows at a time."""
        try:
            with _whole(url):
                yield from parquet_batches(stream, columns)
        except LackingError as error:
            raise ConfigError(
                f"{self.key}: {url} is its metadata, but {error}: correct {self.key}.key, "
                f"{self.key}.caption or {self.key}.metadata"
            ) from error

    def _opened(self, file: FoundFile) -> AbstractContextManager[IO[bytes]]:
        return opened(file.url, self.options, file.bytes, "")


def row_file(name: str, files: Sequence[FoundFile]) -> RowFile:
    """Files that belong together: images' vectors, metadata, captions' vectors if there are any."""
    return RowFile(
        name=name,
        urls=tuple(file.url for file in files),
        bytes=sum(file.bytes for file in files),
        version=json.dumps([[file.bytes, file.version] for file in files]),
    )


def _require_equal(counts: Mapping[str, int], key: str) -> None:
    if len({*counts.values()}) > 1:
        each = ", ".join(f"{shown} has {counted(rows, 'row')}" for shown, rows in counts.items())
        raise FairshardError(
            f"{key}: files that belong together have as many rows, and {each}: correct which files "
            "are meant, or make them again"
        )


@contextmanager
def _whole(url: str) -> Iterator[None]:
    """What Arrow raises in the block of a damaged file, in a sentence that names it."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise FairshardError(
            f"{url} cannot be read as Parquet: {reason_of(error)}; restore the file, or make it "
            "again"
        ) from error
