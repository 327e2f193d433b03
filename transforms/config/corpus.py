"""The corpus: where its files are, how their samples are read, and caps on what they may cost."""

from typing import Any, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from transforms.config.forms import Section, Words, without_empty, wrong_at
from transforms.config.tables import Urls


class Members(Section):
    """Which members of a sample hold what, by extension (after the key's first dot)."""

    image: Words = ("jpg", "jpeg", "png", "webp")
    caption: Words = ("txt",)
    metadata: Words = ("json",)


class Limits(Section):
    """Caps that keep hostile samples from costing more than themselves."""

    max_entries: int = Field(10_000_000, gt=0)
    max_name_bytes: int = Field(4096, gt=0)
    max_member_bytes: int = Field(64 * 2**20, gt=0)
    max_caption_bytes: int = Field(2**20, gt=0)
    max_metadata_bytes: int = Field(4 * 2**20, gt=0)
    max_pixels: int = Field(100_000_000, gt=0)
    max_reject_share: float = Field(0.05, ge=0, le=1)
    max_rejects: int | None = Field(None, ge=0)
    max_lost_shards: int = Field(0, ge=0)
    max_lost_share: float = Field(0.01, ge=0, le=1)


class Input(Section):
    """The corpus: webdataset shards or, without images, tables in Parquet, on any fsspec storage.

    A shard larger than `part_bytes` is labelled in parts of that size, by as many workers. Label
    tables carry the metadata fields `carry` along, such as a uid, for those who take the labels.
    The columns of a table are its rows' metadata; `caption_field` names that of captions, and
    `key_column` that of keys.
    """

    shards: Urls = ()
    tables: Urls = ()
    key_column: str | None = Field(None, min_length=1)
    members: Members = Members()
    caption_field: str | None = None
    carry: Words = ()
    part_bytes: int = Field(2**30, gt=0)
    storage_options: dict[str, Any] = Field({})
    limits: Limits = Limits()

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "tables", "key_column", "carry")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if not self.shards and not self.tables:
            raise wrong_at(("shards",), "missing; it must be given, or tables")
        if self.shards and self.tables:
            raise ValueError("give shards or tables, not both: a corpus is of one kind")
        if self.key_column is not None and not self.tables:
            raise ValueError("key_column is of tables: shards have their samples' keys in names")
        return self

    @property
    def patterns(self) -> tuple[str, ...]:
        """What names the corpus' files."""
        return self.shards or self.tables

    @property
    def key(self) -> str:
        """Where that stands in the configuration."""
        return "input.shards" if self.shards else "input.tables"

    @property
    def caption_in_metadata(self) -> str | None:
        """The metadata field of captions, where they are in no member of their own."""
        return self.caption_field if self.shards else None
