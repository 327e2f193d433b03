"""The configuration: one YAML file, read once, immutable from then on."""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from transforms.base.errors import ConfigError
from transforms.config.balance import AUTO, Balance, Override
from transforms.config.embeddings import EmbeddingSource
from transforms.config.forms import Name, Section, Words, as_tuple, unknown, without_empty, wrong_at
from transforms.config.gates import Gates
from transforms.config.groups import AnyAttributeGroup, AnyLabelGroup, CrossedGroup
from transforms.config.model import Model
from transforms.config.recognisers import Source, registered
from transforms.config.schema import schema_of
from transforms.config.tables import TableSource, Urls
from transforms.config.telemetry import Telemetry
from transforms.config.urls import Url
from transforms.config.writers import DEFAULT_FORMAT, known_format

__all__ = [
    "AUTO",
    "BESIDE",
    "KEEP",
    "UNIQUE",
    "Balance",
    "Config",
    "EngineConfig",
    "Filter",
    "Input",
    "Limits",
    "Members",
    "Model",
    "OutputConfig",
    "Override",
    "Section",
    "Utility",
]

KEEP: Literal["keep"] = "keep"
UNIQUE: Literal["unique"] = "unique"
Beside = Literal["samples", "sizes"]
BESIDE: tuple[Beside, ...] = get_args(Beside)

_OF_TABLES: tuple[Source, ...] = ("table",)


def _known_format(name: str) -> str:
    try:
        return known_format(name)
    except ConfigError as error:
        raise ValueError(str(error)) from error


def _nothing_as_none(value: Any) -> Any:
    """A section all of whose entries are commented out is one without any."""
    return {} if value is None else value


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
    """The corpus: webdataset shards on any fsspec storage.

    A shard larger than `part_bytes` is labelled in parts of that size, by as many workers. Label
    tables carry the metadata fields `carry` along, such as a uid, for those who take the labels.
    """

    shards: Urls = Field(min_length=1)
    members: Members = Members()
    caption_field: str | None = None
    carry: Words = ()
    part_bytes: int = Field(2**30, gt=0)
    storage_options: dict[str, Any] = Field({})
    limits: Limits = Limits()

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "carry")


class Utility(Section):
    """The utility u of a sample: `scale` times a metadata field, a score, or 1."""

    field: str | None = None
    score: Literal["similarity"] | None = None
    scale: float = Field(1.0, gt=0)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.field is not None and self.score is not None:
            raise ValueError("give field or score, not both")
        return self


class Filter(Section):
    """The quality filter: samples below it are dropped before the corpus is balanced."""

    min_similarity: float = Field(ge=-1, le=1)


class OutputConfig(Section):
    """Where the artefacts go, in which format, and how large a shard is (samples, or bytes).

    labels: where those are that many outputs share; they lie in the output where it is not given.
    keys: whether samples keep theirs, or get such as are unique in the whole output. beside: what
    is written beside the shards; all that there is where it is not given.
    """

    url: str = Field(min_length=1)
    labels: Url | None = Field(None, min_length=1)
    format: Annotated[str, AfterValidator(_known_format)] = DEFAULT_FORMAT
    samples_per_shard: int | None = Field(None, gt=0)
    bytes_per_shard: int | None = Field(None, gt=0)
    keys: Literal["keep", "unique"] = KEEP
    beside: Annotated[tuple[Beside, ...], BeforeValidator(as_tuple)] | None = None
    storage_options: dict[str, Any] = Field({})

    @field_validator("beside")
    @classmethod
    def _each_once(cls, beside: tuple[Beside, ...] | None) -> tuple[Beside, ...] | None:
        return None if beside is None else tuple(name for name in BESIDE if name in beside)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.samples_per_shard is not None and self.bytes_per_shard is not None:
            raise ValueError("give samples_per_shard or bytes_per_shard, not both")
        if self.samples_per_shard is None and self.bytes_per_shard is None:
            object.__setattr__(self, "samples_per_shard", 10_000)
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As an output was dumped before there were these keys."""
        values = without_empty(dump(self), "labels")
        asked = {"keys": self.keys != KEEP, "beside": self.beside is not None}
        return {key: value for key, value in values.items() if asked.get(key, True)}

    @property
    def other_form(self) -> dict[str, str]:
        """The format and the keys, where they are not those of outputs that say none."""
        asked = {"format": self.format, "keys": self.keys}
        usual = {"format": DEFAULT_FORMAT, "keys": KEEP}
        return {key: value for key, value in asked.items() if value != usual[key]}


class EngineConfig(Section):
    """What runs the job, by name, with the engine's own options."""

    name: str = "beam"
    options: dict[str, str | int | float | bool] = Field({})


class Config(Section):
    """The whole configuration; no artefact tells of its `telemetry`."""

    input: Input
    attributes: dict[Name, AnyAttributeGroup] = Field(min_length=1)
    labels: Annotated[dict[Name, AnyLabelGroup], BeforeValidator(_nothing_as_none)] = Field({})
    tables: Annotated[dict[Name, TableSource], BeforeValidator(_nothing_as_none)] = Field({})
    embeddings: Annotated[dict[Name, EmbeddingSource], BeforeValidator(_nothing_as_none)] = Field(
        {}
    )
    model: Model | None = None
    similarity: bool = False
    utility: Utility = Utility()
    filter: Filter | None = None
    balance: Balance
    calibration: Url | None = Field(None, min_length=1)
    seed: int = Field(0, ge=0)
    output: OutputConfig
    engine: EngineConfig = EngineConfig()
    gates: Gates = Gates()
    telemetry: Telemetry = Field(Telemetry(), exclude=True)

    @model_validator(mode="after")
    def _names_are_there(self) -> Self:
        """What names and groups are derived from is looked up as the schema is made."""
        schema_of(self)
        return self

    @model_validator(mode="after")
    def _tables_are_there(self) -> Self:
        for section, groups in (("attributes", self.attributes), ("labels", self.labels)):
            for group_name, group in groups.items():
                names = {} if isinstance(group, CrossedGroup) else group.names
                for name, spec in names.items():
                    for key, settings in spec.given(_OF_TABLES).items():
                        if settings.table not in self.tables:
                            where = (section, group_name, "names", name, key, "table")
                            there_are = {table: table for table in self.tables}
                            raise wrong_at(where, unknown("table", settings.table, there_are))
        return self

    @model_validator(mode="after")
    def _model_where_needed(self) -> Self:
        of_images = any("image" in entry.sources for entry in schema_of(self).recognised)
        if self.model is None and (of_images or self.scores_similarity):
            keys = ", ".join(entry.name for entry in registered() if entry.source == "image")
            raise ValueError(f"{keys} and similarity need a model: give model.name")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "tables", "embeddings")

    @property
    def scores_similarity(self) -> bool:
        """Whether the labels carry the image-text similarity of every sample."""
        return self.similarity or self.utility.score == "similarity" or self.filter is not None
