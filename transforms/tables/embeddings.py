"""Embeddings as a table: what prompts find, and similarities, computed as vectors pass by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from transforms.base.counts import counted
from transforms.base.errors import ConfigError, FairshardError
from transforms.base.logs import LOGGER
from transforms.base.redaction import redacted
from transforms.config.columns import Recognised
from transforms.config.embeddings import rows_name
from transforms.config.groups import EMBEDDED_PROMPTS
from transforms.config.model import Model
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.config.tables import TableKey
from transforms.recognition.checkpoints import model_identity
from transforms.recognition.settings import recognitions, zero_shot_of
from transforms.tables.aligned import Aligned, AlignedFiles, row_file
from transforms.tables.files import FoundFile, file_name, found_files
from transforms.tables.keys import key_texts, member_keys
from transforms.tables.pairing import beside, paired
from transforms.tables.rows import KEY, Layout, Missing, RowFile

if TYPE_CHECKING:
    from transforms.recognition.image_vectors import Flags, VectorRecogniser, Vectors
    from transforms.recognition.zeroshot import PromptGroup

_VECTORS, _PARQUET = (".npy", ".npz"), (".parquet",)
_DATACOMP_ARRAYS = {"ViT-B-32": "b32_img", "ViT-L-14": "l14_img"}
_MODELS_HELD = 2


class EmbeddingRows:
    """The rows of an entry of `embeddings`: one for each vector, whose key its metadata tells.

    Their columns are those of label tables whose prompts are asked of it, and the similarity where
    it is computed from it. A vector that is zero or not finite is no row.
    """

    def __init__(self, name: str, config: Config) -> None:
        self.name = rows_name(name)
        self._config = config
        self._source = config.embeddings[name]
        self._scores = config.similarity_from == name
        self._prompts = _prompts_of(name, config)
        self._caption = self._source.captions if self._scores else ""

    @property
    def key(self) -> TableKey:
        """By what its rows find samples."""
        return self._source.found_by

    @property
    def missing(self) -> Missing:
        """What becomes of a sample without a row; one without a similarity can be no label row."""
        return "reject" if self._scores else self._source.missing

    @property
    def layout(self) -> Layout:
        """Whether its files are named as the shards are."""
        return self._source.layout

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `batches` after the key; none where nothing is asked of it."""
        asked = tuple(entry.column for entry, _ in self._prompts.values())
        return (*asked, SIMILARITY) if self._scores else asked

    def untyped(self, file: RowFile) -> bool:
        """No column is text."""
        return False

    def types(self, file: RowFile) -> Mapping[str, pa.DataType]:
        """The columns after the key, the same in every file."""
        kinds = {SIMILARITY: pa.float64()}
        return {column: kinds.get(column, pa.bool_()) for column in self.columns}

    def files(self) -> tuple[RowFile, ...]:
        """Its files of vectors, each with those that belong to it, sorted by URL."""
        source = self._source
        vectors = self._found("url", source.url, _VECTORS)
        urls = [file.url for file in vectors]
        others: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
            "metadata": (source.metadata or beside(urls), _PARQUET)
        }
        if self._scores and source.texts:
            others["texts"] = (source.texts, _VECTORS)
        together = [vectors]
        for part, (patterns, kinds) in others.items():
            found = {file.url: file for file in self._found(part, patterns, kinds)}
            together.append([found[url] for url in paired(urls, [*found], f"{self.name}.{part}")])
        files = zip(*together, strict=True)
        return tuple(row_file(file_name(each[0].url).rpartition(".")[0], each) for each in files)

    def identity(self) -> Any:
        """The prompts and how they decide, the model, and what is read of the files."""
        model = self._source.model
        return {
            "key": self.key.model_dump(mode="json"),
            "array": self._source.array,
            "prompts": [
                [entry.column, [*prompts], zero_shot_of(self._config, entry).model_dump()]
                for entry, prompts in self._prompts.values()
            ],
            "similarity": self._caption,
            "model": [model_identity(model), model.precision],
        }

    def batches(self, file: RowFile) -> Iterator[pa.Table]:
        """The rows of a file: `key`, then `columns`; without vectors that have no direction.

        Raises as AlignedFiles.rows, and FairshardError where the model cannot be had.
        """
        from transforms.recognition.image_vectors import directed  # torch takes seconds to import

        recogniser = self._recogniser()
        vectors = undirected = 0
        for some in self._aligned().rows(file, partial(self._check_width, recogniser.width)):
            images, usable = directed(some.images)
            vectors, undirected = vectors + len(usable), undirected + int((~usable).sum())
            yield self._rows(some, images, usable, recogniser)
        if undirected:
            LOGGER.warning(
                "%s: %s of the %s in %s are zero or not finite, and count as missing",
                *(self.name, f"{undirected:,}", counted(vectors, "vector"), redacted(file.url)),
            )

    def require_readable(self, file: RowFile) -> None:
        """Raise as AlignedFiles.rows where the beginning of a file cannot be read; no model is."""
        with closing(self._aligned().rows(file, lambda width, shown: None)) as rows:
            next(rows, None)

    def _rows(
        self, some: Aligned, images: Vectors, usable: Flags, recogniser: VectorRecogniser
    ) -> pa.Table:
        keys = self._keys(some.metadata)
        if not usable.all():
            keys, images = keys.filter(pa.array(usable)), images[usable]
        columns = {KEY: keys}
        for number, flags in recogniser.found(images).items():
            columns[self._prompts[number][0].column] = pa.array(flags)
        if self._scores:
            columns[SIMILARITY] = self._similarities(some, images, usable, recogniser)
        return pa.table({name: columns[name] for name in (KEY, *self.columns)})

    def _similarities(
        self, some: Aligned, images: Vectors, usable: Flags, recogniser: VectorRecogniser
    ) -> pa.Array:
        """The cosines of images and captions; null where there is no caption."""
        from transforms.recognition.image_vectors import cosines, directed

        if some.texts is not None:
            texts, told = directed(some.texts[usable])
        else:
            captions = self._captions(some.metadata).filter(pa.array(usable))
            told = np.asarray(captions.is_valid())
            texts = recogniser.captions(captions.fill_null("").to_pylist())
        scores = np.zeros(len(images))
        scores[told] = cosines(images[told], texts[told])
        return pa.array(scores, mask=~told)

    def _captions(self, metadata: pa.Table) -> pa.Array:
        given = metadata.column(self._caption)
        try:
            return given.cast(pa.string())
        except pa.ArrowException as error:
            raise ConfigError(
                f"{self.name}.caption: {self._caption} cannot be the captions, as it holds "
                f"{given.type} that is no text in UTF-8: name another column"
            ) from error

    def _keys(self, metadata: pa.Table) -> pa.Array:
        columns = [metadata.column(name).combine_chunks() for name in self.key.columns]
        try:
            return member_keys(*columns) if self.key.by == "member" else key_texts(*columns)
        except ValueError as error:
            named = ", ".join(self.key.columns)
            raise ConfigError(f"{self.name}.key: {named} cannot be a key, as {error}") from error

    def _found(
        self, part: str, patterns: tuple[str, ...], kinds: tuple[str, ...]
    ) -> list[FoundFile]:
        def is_of_kind(name: str) -> bool:
            return name.lower().endswith(kinds)

        options = self._source.storage_options
        return [*found_files(f"{self.name}.{part}", patterns, options, is_of_kind, kinds)]

    def _aligned(self) -> AlignedFiles:
        array = self._source.array or _DATACOMP_ARRAYS.get(self._source.model.name)
        return AlignedFiles(
            key=self.name,
            arrays=(array,) if array else (),
            chosen=self._source.array is not None,
            columns=self.key.columns,
            caption=self._caption,
            options=self._source.storage_options,
        )

    def _check_width(self, wanted: int, width: int, shown: str) -> None:
        if width != wanted:
            raise ConfigError(
                f"{self.name}: the vectors of {shown} have {counted(width, 'dimension')}, and "
                f"those of the model {self._source.model.name} {wanted:,}: correct "
                f"{self.name}.model, or which files and arrays are meant"
            )

    def _recogniser(self) -> VectorRecogniser:
        from transforms.recognition.zeroshot import prompt_groups

        prompts = {number: prompts for number, (_, prompts) in self._prompts.items()}
        try:
            return _recogniser_of(self._source.model, tuple(prompt_groups(prompts, self._config)))
        except FairshardError as error:
            raise type(error)(f"{self.name}: {error}") from error


def _prompts_of(name: str, config: Config) -> dict[int, tuple[Recognised, tuple[str, ...]]]:
    """The columns whose prompts are asked of the embeddings, by their numbers."""
    columns = zip(schema_of(config).recognised, recognitions(config), strict=True)
    return {
        number: (entry, given[EMBEDDED_PROMPTS])
        for number, (entry, given) in enumerate(columns)
        if EMBEDDED_PROMPTS in given and zero_shot_of(config, entry).embeddings == name
    }


@lru_cache(maxsize=_MODELS_HELD)
def _recogniser_of(model: Model, groups: tuple[PromptGroup, ...]) -> VectorRecogniser:
    """Once a process: it holds the text side of the model."""
    from transforms.recognition.image_vectors import VectorRecogniser

    return VectorRecogniser(model, groups)
