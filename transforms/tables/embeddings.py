"""Embeddings as a table: what prompts find, and similarities, computed as vectors pass by."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from transforms.base.counts import counted
from transforms.base.errors import ConfigError, FairshardError
from transforms.base.logs import LOGGER
from transforms.config.embeddings import EmbeddingSource, rows_name
from transforms.config.groups import EMBEDDED_PROMPTS
from transforms.config.model import Model
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.recognition.checkpoints import model_identity
from transforms.recognition.settings import spec_of, zero_shot_of
from transforms.shards.naming import path_of
from transforms.tables.aligned import Aligned, AlignedFiles, row_file
from transforms.tables.files import FoundFile, found_files, stem_of_file
from transforms.tables.keys import key_texts, member_keys
from transforms.tables.pairing import beside, paired
from transforms.tables.rows import KEY, Layout, Missing, RowFile, TableKey

if TYPE_CHECKING:
    from transforms.recognition.image_vectors import VectorRecogniser
    from transforms.recognition.zeroshot import PromptGroup

_VECTORS, _NPZ, _PARQUET = (".npy", ".npz"), ".npz", (".parquet",)
_CLIP_RETRIEVAL = TableKey("key", ("image_path",))
_DATACOMP = TableKey("field", ("uid",), "uid")
_DATACOMP_ARRAYS = {"ViT-B-32": "b32_img", "ViT-L-14": "l14_img"}


class EmbeddingRows:
    """The rows of an entry of `embeddings`: one for each vector, whose key its metadata tells.

    Their columns are those of label tables whose prompts are asked of it, and the similarity where
    it is computed from it. A vector that is zero or not finite is no row.
    """

    untyped = False

    def __init__(self, name: str, config: Config) -> None:
        self.name = rows_name(name)
        self._config = config
        self._source = config.embeddings[name]
        self._scores = config.similarity_from == name
        self._prompts = _prompts_of(name, config)
        self._of_datacomp = all(path_of(url).endswith(_NPZ) for url in self._source.url)

    @property
    def key(self) -> TableKey:
        """By what its rows find samples: what the layout has, where nothing else is said."""
        given = self._source.key
        if given is not None:
            return TableKey(given.by, given.columns, given.field or "")
        return _DATACOMP if self._of_datacomp else _CLIP_RETRIEVAL

    @property
    def missing(self) -> Missing:
        """What becomes of a sample without a row."""
        return self._source.missing

    @property
    def layout(self) -> Layout:
        """Whether its files are named as the shards are."""
        return self._source.layout

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `batches` after the key; none where nothing is asked of it."""
        entries = schema_of(self._config).recognised
        asked = tuple(entries[number].column for number in sorted(self._prompts))
        return (*asked, SIMILARITY) if self._scores else asked

    def files(self) -> tuple[RowFile, ...]:
        """Its files of vectors, each with those that belong to it, sorted by URL."""
        vectors = self._found("url", self._source.url, _VECTORS)
        urls = [file.url for file in vectors]
        beside_them = self._source.metadata or tuple(_literally(beside(url)) for url in urls)
        metadata = self._found("metadata", beside_them, _PARQUET)
        parts = [vectors, self._belonging("metadata", urls, metadata)]
        if self._scores and self._source.texts:
            texts = self._found("texts", self._source.texts, _VECTORS)
            parts.append(self._belonging("texts", urls, texts))
        return tuple(row_file(_stem(files[0]), files) for files in zip(*parts, strict=True))

    def identity(self) -> Any:
        """The prompts and how they decide, the model, and what is read of the files."""
        model = self._source.model
        entries = schema_of(self._config).recognised
        asked = [
            (entries[number].column, prompts, zero_shot_of(self._config, entries[number]))
            for number, prompts in sorted(self._prompts.items())
        ]
        return {
            "array": self._source.array,
            "prompts": [[column, [*prompts], how.model_dump(mode="json")] for column, prompts, how in asked],
            "similarity": self._caption if self._scores else None,
            "model": [model_identity(model), model.precision],
        }

    def batches(self, file: RowFile) -> Iterator[pa.Table]:
        """The rows of a file: `key`, then `columns`; without those that have no key or direction.

        Raises as AlignedFiles, and FairshardError where the model cannot be had.
        """
        recogniser = self._recogniser()

        def check(width: int, shown: str) -> None:
            if width != recogniser.width:
                raise ConfigError(
                    f"{self.name}: the vectors of {shown} have {counted(width, 'dimension')}, and "
                    f"those of the model {self._source.model.name} {recogniser.width:,}: correct "
                    f"{self.name}.model, {self.name}.array or {self.name}.url"
                )

        vectors = undirected = 0
        for some in self._files().rows(file, check):
            rows, directed = self._rows(some, recogniser)
            vectors, undirected = vectors + len(directed), undirected + int((~directed).sum())
            yield rows
        if undirected:
            LOGGER.warning(
                "%s: %s of the %s in %s are zero or not finite: they count as missing",
                *(self.name, f"{undirected:,}", counted(vectors, "vector"), file.url),
            )

    def _rows(self, some: Aligned, recogniser: VectorRecogniser) -> tuple[pa.Table, np.ndarray]: ...
