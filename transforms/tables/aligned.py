"""Files whose rows belong together, read side by side: vectors of images and captions, metadata."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.base.counts import counted, first_of
from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.base.nearest import did_you_mean
from transforms.tables.files import FoundFile, opened, require_unchanged_file
from transforms.tables.rows import RowFile
from transforms.tables.vectors import Vectors, arrays_in, opened_vectors

_AT_ONCE = 4096
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Aligned:
    """Some rows: columns of the metadata, vectors (n, d), those of captions where there are any."""

    metadata: pa.RecordBatch
    images: NDArray[np.float32]
    texts: NDArray[np.float32] | None


@dataclass(frozen=True)
class AlignedFiles:
    """How files that belong together are read; `key` is that of the configuration that names them.

    arrays: of an npz, the first of these is read that it has or, where it has none of them and one
    array alone, that one; `chosen` by hand, no other will do. columns: those of the metadata, each
    with the key that names it. with_texts: whether vectors of captions are wanted, where there are
    any: of a file of their own, or of the array b32_txt beside b32_img.
    """

    key: str
    arrays: tuple[str, ...]
    chosen: bool
    columns: Mapping[str, str]
    with_texts: bool
    options: dict[str, Any]

    def rows(self, file: RowFile, check: Callable[[int, str], None]) -> Iterator[Aligned]:
        """The rows of a `row_file`, some at a time; `check` is given the dimensions of vectors.

        Raises FairshardError where a file cannot be read, or they do not fit each other; ConfigError
        where they are not what the configuration says; ChangedInputError where one changed
        meanwhile.
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
            table = stack.enter_context(self._parquet(metadata))
            counts[metadata.url] = table.metadata.num_rows
            if len({*counts.values()}) > 1:
                each = ", ".join(f"{shown} has {counted(n, 'row')}" for shown, n in counts.items())
                raise FairshardError(
                    f"{self.key}: files that belong together have as many rows, and {each}: "
                    "correct which files are meant, or make them again"
                )
            with _whole(metadata.url):
                for batch in table.iter_batches(_AT_ONCE, columns=[*self.columns]):
                    count = batch.num_rows
                    yield Aligned(batch, images.take(count), texts and texts.take(count))
        for one in files:
            require_unchanged_file(one, self.options)

    def _vectors(self, stack: ExitStack, file: FoundFile) -> tuple[Vectors, str]:
        """The vectors of images in a file, and the array of an npz that they are, "" in an npy."""
        stream = stack.enter_context(opened(file.url, self.options, file.bytes, ""))
        names = arrays_in(stream, file.url)
        array = self._array(names, file.url) if names is not None else ""
        return stack.enter_context(opened_vectors(stream, file.url, array)), array

    def _texts(
        self, stack: ExitStack, vectors: FoundFile, array: str, captions: Sequence[FoundFile]
    ) -> Vectors | None:
        """The vectors of captions, where they are wanted and there are any."""
        if not self.with_texts or not (captions or array):
            return None
        file = captions[0] if captions else vectors
        stream = stack.enter_context(opened(file.url, self.options, file.bytes, ""))
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
        wrong = f"there is no array {self.arrays[0]!r} in {url}" if self.chosen else f"{url} has several arrays"
        hint = did_you_mean(self.arrays[0], names) if self.chosen else ": say which one is of images"
        raise ConfigError(f"{self.key}.array: {wrong}; there are: {there_are}{hint}")

    @contextmanager
    def _parquet(self, file: FoundFile) -> Iterator[pq.ParquetFile]:
        with opened(file.url, self.options, file.bytes, "") as stream:
            with _whole(file.url):
                table = pq.ParquetFile(stream)
            names = table.schema_arrow.names
            for column, key in self.columns.items():
                if column not in names:
                    raise ConfigError(
                        f"{key}: there is no column {column!r} in {file.url}; there are: "
                        f"{first_of(names, _MOST_NAMED) or 'none'}{did_you_mean(column, names)}"
                    )
            yield table


def row_file(name: str, files: Sequence[FoundFile]) -> RowFile:
    """Files that belong together: vectors of images, metadata and, where there are any, captions'."""
    return RowFile(
        name=name,
        urls=tuple(file.url for file in files),
        bytes=sum(file.bytes for file in files),
        version=json.dumps([[file.bytes, file.version] for file in files]),
    )


@contextmanager
def _whole(url: str) -> Iterator[None]:
    """What Arrow raises in the block of a damaged file, in a sentence that names it."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise FairshardError(
            f"{url} cannot be read as Parquet: {reason_of(error)}; restore the file, or make it again"
        ) from error
