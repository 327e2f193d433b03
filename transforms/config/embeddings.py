"""Embeddings of images that others made: prompts and similarity are computed from them."""

from pydantic import Field

from transforms.config.model import Model
from transforms.config.tables import RowSource, TableKey, Urls


class EmbeddingSource(RowSource):
    """Vectors of images, and a table of whose they are, row by row.

    url: npy files, or npz files of which `array` names the one to read. metadata: Parquet files,
    as many. key: what joins a row to its sample; null is what the layout has. caption: the column
    of captions. texts: vectors of the captions, where there are any. model: what made the vectors.
    """

    metadata: Urls = ()
    model: Model
    key: TableKey | None = None
    array: str | None = None
    caption: str | None = None
    texts: Urls = Field(())
