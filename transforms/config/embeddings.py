"""Embeddings of images that others made: prompts and similarity are computed from them."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from transforms.config.groups import PROMPTS, asks_embeddings
from transforms.config.model import Model
from transforms.config.tables import RowSource, TableKey, Urls

_CLIP_RETRIEVAL = TableKey(column="image_path")
_DATACOMP = TableKey(column="uid", field="uid")


class EmbeddingSource(RowSource):
    """Vectors of images, and a table of whose they are, row by row.

    url: npy files, or npz files of which `array` names the one to read. metadata: Parquet files,
    as many. key: what joins a row to its sample; null is what the layout has. caption: the column
    of captions. texts: vectors of the captions, where there are any. model: what made the vectors.
    What is not given is as clip-retrieval has it, of npz files as DataComp has it.
    """

    metadata: Urls = ()
    model: Model
    key: TableKey | None = None
    array: str | None = None
    caption: str | None = None
    texts: Urls = Field(())

    @property
    def found_by(self) -> TableKey:
        """What joins a row to its sample."""
        return self.key or (_DATACOMP if self.of_datacomp else _CLIP_RETRIEVAL)

    @property
    def captions(self) -> str:
        """The column of captions in the metadata."""
        return self.caption or ("text" if self.of_datacomp else "caption")

    @property
    def of_datacomp(self) -> bool:
        """Whether the files are as DataComp has them, and not as clip-retrieval."""
        return all(url.partition("?")[0].endswith(".npz") for url in self.url)


def rows_name(embeddings: str | None) -> str:
    """What the rows that embeddings give are called among the tables of a join."""
    return f"embeddings.{embeddings}"


def spelled_out(values: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as it is written, its only embeddings named where prompts are asked of them.

    They are where there is no model that sees images.
    """
    embeddings = values.get("embeddings")
    if (
        values.get("model") is not None
        or not isinstance(embeddings, Mapping)
        or len(embeddings) != 1
    ):
        return {**values}
    [name] = embeddings
    sections = {
        section: {key: _asking(group, name) for key, group in groups.items()}
        for section in ("attributes", "labels")
        if isinstance(groups := values.get(section), Mapping)
    }
    return {**values, **sections}


def _asking(group: Any, embeddings: str) -> Any:
    """A group with prompts, asked of `embeddings` where it does not say of which."""
    if not isinstance(group, Mapping) or asks_embeddings(group):
        return group
    names, zero_shot = group.get("names"), group.get("zero_shot", {})
    specs = names.values() if isinstance(names, Mapping) else ()
    prompted = any(isinstance(spec, Mapping) and spec.get(PROMPTS) for spec in specs)
    if not prompted or not isinstance(zero_shot, Mapping):
        return group
    return {**group, "zero_shot": {**zero_shot, "embeddings": embeddings}}
