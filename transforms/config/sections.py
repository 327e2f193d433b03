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
from transforms.config.corpus import Input, Limits, Members
from transforms.config.embeddings import EmbeddingSource, spelled_out
from transforms.config.filters import ColumnFilter, Filters, SimilarityFilter
from transforms.config.forms import Name, Section, as_tuple, unknown, without_empty, wrong_at
from transforms.config.gates import Gates
from transforms.config.groups import AnyAttributeGroup, AnyLabelGroup, CrossedGroup
from transforms.config.model import Model
from transforms.config.recognisers import Source, registered
from transforms.config.schema import schema_of
from transforms.config.tables import TableColumn, TableSource
from transforms.config.telemetry import Telemetry
from transforms.config.urls import Url
from transforms.config.writers import DEFAULT_FORMAT, known_format

__all__ = [
    "APPEND",
    "AUTO",
    "BESIDE",
    "KEEP",
    "REPLACE",
    "UNIQUE",
    "Balance",
    "Config",
    "EngineConfig",
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
REPLACE: Literal["replace"] = "replace"
APPEND: Literal["append"] = "append"
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


class Utility(Section):
    """The utility u of a sample: `scale` times a field, a column of a table, a score, or 1."""

    field: str | None = None
    column: TableColumn | None = None
    score: Literal["similarity"] | None = None
    scale: float = Field(1.0, gt=0)

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [key for key in ("field", "column", "score") if getattr(self, key) is not None]
        if len(given) > 1:
            many = "both" if len(given) == 2 else "all"
            raise ValueError(f"give {' or '.join(given)}, not {many}")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "column")


class OutputConfig(Section):
    """Where the artefacts go, in which format, and how large a shard is (samples, or bytes).

    labels: where those are that many outputs share; they lie in the output where it is not given.
    keys: whether samples keep theirs, or get such as are unique in the whole output. beside: what
    is written beside the shards; all that there is where it is not given. mode: whether a corpus
    that has grown is balanced anew, or its new shards are added to what is written.
    """

    url: str = Field(min_length=1)
    labels: Url | None = Field(None, min_length=1)
    format: Annotated[str, AfterValidator(_known_format)] = DEFAULT_FORMAT
    samples_per_shard: int | None = Field(None, gt=0)
    bytes_per_shard: int | None = Field(None, gt=0)
    keys: Literal["keep", "unique"] = KEEP
    beside: Annotated[tuple[Beside, ...], BeforeValidator(as_tuple)] | None = None
    mode: Literal["replace", "append"] = REPLACE
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
        asked = {
            "keys": self.keys != KEEP,
            "beside": self.beside is not None,
            "mode": self.mode != REPLACE,
        }
        return {key: value for key, value in values.items() if asked.get(key, True)}

    @property
    def grows(self) -> bool:
        """Whether new shards are added to what is written."""
        return self.mode == APPEND

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
    similarity: bool | Name = False
    utility: Utility = Utility()
    filter: Filters = ()
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

    @model_validator(mode="before")
    @classmethod
    def _asks_embeddings(cls, values: Any) -> Any:
        return spelled_out(values) if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _embeddings_are_there(self) -> Self:
        there_are = {name: name for name in self.embeddings}
        asked: dict[tuple[str, ...], str | None] = {
            (section, name, "zero_shot", "embeddings"): group.zero_shot.embeddings
            for section, groups in (("attributes", self.attributes), ("labels", self.labels))
            for name, group in groups.items()
            if not isinstance(group, CrossedGroup)
        }
        if isinstance(self.similarity, str):
            asked["similarity",] = self.similarity
        for where, name in asked.items():
            if name is not None and name not in self.embeddings:
                raise wrong_at(where, unknown("entry of embeddings", name, there_are))
        return self

    @model_validator(mode="after")
    def _tables_are_there(self) -> Self:
        for section, groups in (("attributes", self.attributes), ("labels", self.labels)):
            for group_name, group in groups.items():
                names = {} if isinstance(group, CrossedGroup) else group.names
                for name, spec in names.items():
                    for key, settings in spec.given(_OF_TABLES).items():
                        where = (section, group_name, "names", name, key, "table")
                        self._require_table(settings.table, where)
        for number, one in enumerate(self.filter):
            if isinstance(one, ColumnFilter):
                self._require_table(one.column.table, ("filter", number, "column", "table"))
        if self.utility.column is not None:
            self._require_table(self.utility.column.table, ("utility", "column", "table"))
        return self

    @model_validator(mode="after")
    def _images_where_needed(self) -> Self:
        of_images = any("image" in entry.sources for entry in schema_of(self).recognised)
        if self.input.tables and (of_images or self.similarity_seen):
            keys = ", ".join(entry.name for entry in registered() if entry.source == "image")
            raise wrong_at(
                ("input", "tables"),
                f"tables hold no images, which {keys} and similarity look at: recognise names by "
                "lexicon, field or column, give embeddings, or read shards",
            )
        return self

    @model_validator(mode="after")
    def _model_where_needed(self) -> Self:
        of_images = any("image" in entry.sources for entry in schema_of(self).recognised)
        of_images |= self.similarity_seen
        if self.model is None and of_images:
            keys = ", ".join(entry.name for entry in registered() if entry.source == "image")
            ways = ["model.name"]
            if self.embeddings:
                ways.append(f"zero_shot.embeddings and similarity ({', '.join(self.embeddings)})")
            raise ValueError(f"{keys} and similarity need a model: give {' or '.join(ways)}")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "tables", "embeddings")

    def _require_table(self, name: str, where: tuple[str | int, ...]) -> None:
        if name not in self.tables:
            raise wrong_at(where, unknown("table", name, {table: table for table in self.tables}))

    @property
    def scores_similarity(self) -> bool:
        """Whether the labels carry the image-text similarity of every sample."""
        of_filter = any(isinstance(one, SimilarityFilter) for one in self.filter)
        return bool(self.similarity) or self.utility.score == "similarity" or of_filter

    @property
    def similarity_seen(self) -> bool:
        """Whether similarities are of images that are seen."""
        return self.scores_similarity and self.similarity_from is None

    @property
    def similarity_from(self) -> str | None:
        """The embeddings that similarities are computed from; None where they are none or images'.

        Those that `similarity` names; without a model that sees images, the only ones there are.
        """
        if isinstance(self.similarity, str):
            return self.similarity
        alone = self.scores_similarity and self.model is None and len(self.embeddings) == 1
        return next(iter(self.embeddings)) if alone else None
