"""The configuration: one YAML file, read once, immutable from then on."""

import re
from collections.abc import Hashable, Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from transforms.base.errors import ConfigError
from transforms.config.gates import Gates
from transforms.config.telemetry import Telemetry
from transforms.config.urls import Url

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ \-]*")


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str | int | float | bool) else value


def _checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(
            f"the name {name!r} may hold letters, digits, spaces, '_' and '-' only, "
            "and may not begin with a space or '-'"
        )
    return name


Words = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
Urls = Annotated[tuple[Url, ...], BeforeValidator(_as_tuple)]
Values = Annotated[tuple[str | bool | int | float, ...], BeforeValidator(_as_tuple)]
Name = Annotated[str, AfterValidator(_checked_name)]
Share = Annotated[float, Field(gt=0, lt=1)]
_ROUNDING = 1e-3
Bound = Annotated[float, Field(ge=0, le=1)]
Source = Literal["caption", "image", "metadata"]
AUTO = "auto"
_NUMBERS = {int, float, type(None)}


def _checked_rate(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value != AUTO and not (number and value > 0):
        raise ValueError(
            f"should be a number above 0 or {AUTO} (the largest rate at which everything asked "
            f"for is attainable), not {value!r}"
        )
    return value


Rate = Annotated[float | Literal["auto"], BeforeValidator(_checked_rate)]


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads `on` and `NO` as true and false, and Python takes these for 1 and 0."""
        kinds = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and {*(get_args(kinds) or (kinds,))} <= _NUMBERS:
            raise ValueError(f"should be a number, not {value}")
        return value


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

    A shard larger than `part_bytes` is labelled in parts of that size, by as many workers.
    """

    shards: Urls = Field(min_length=1)
    members: Members = Members()
    caption_field: str | None = None
    part_bytes: int = Field(2**30, gt=0)
    storage_options: dict[str, Any] = {}
    limits: Limits = Limits()


class FieldMatch(Section):
    """True where the metadata field at `path` (dots descend) equals, or lists, one of `values`."""

    path: str = Field(min_length=1)
    values: Values = Field(min_length=1)


class Recognition(Section):
    """How one name is recognised: any of a caption lexicon, zero-shot prompts, a metadata field."""

    lexicon: Words = ()
    prompts: Words = ()
    field: FieldMatch | None = None

    def sources(self) -> tuple[Source, ...]:
        """The sources that this name uses, in a fixed order."""
        used: tuple[tuple[Source, object], ...] = (
            ("caption", self.lexicon),
            ("image", self.prompts),
            ("metadata", self.field),
        )
        return tuple(source for source, given in used if given)


class Attribute(Recognition):
    """A sensitive attribute: how it is recognised, and the share wanted of it (pi_k)."""

    target: Share


class ZeroShot(Section):
    """Zero-shot recognition of one group: a softmax over its names and the alternatives."""

    templates: Words = ("{}",)
    none_of_these: Words = ()
    threshold: float = Field(0.5, gt=0, lt=1)

    @model_validator(mode="after")
    def _templates_have_a_place(self) -> Self:
        for template in self.templates:
            if "{}" not in template:
                raise ValueError(f"the template {template!r} has no place '{{}}' for the prompt")
        return self


class Group(Section):
    """What attribute groups and label groups share.

    `field` is the metadata field of every name that gives none, matched by the name itself.
    `combine: any` is true where any source is; `apart` makes each source one of its own.
    """

    field: str | None = None
    combine: Literal["any", "apart"] = "any"
    zero_shot: ZeroShot = ZeroShot()

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, values: Any) -> Any:
        """A list of names is one of names without more; each name gets the group's field."""
        if not isinstance(values, dict):
            return values
        names = values.get("names")
        if isinstance(names, list) and all(isinstance(name, Hashable) for name in names):
            names = {name: {} for name in names}
        path = values.get("field")
        if isinstance(names, dict) and path is not None:
            names = {
                name: {"field": {"path": path, "values": name}, **spec}
                if isinstance(spec, dict)
                else spec
                for name, spec in names.items()
            }
        return {**values, "names": names} if "names" in values else values


class AttributeGroup(Group):
    """Sensitive attributes; `share_of` says of what the targets are shares."""

    share_of: Literal["all", "group"] = "all"
    names: dict[Name, Attribute] = Field(min_length=1)

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        whole = sum(spec.target for spec in self.names.values())
        if self.share_of == "group" and abs(whole - 1) > _ROUNDING:
            raise ValueError(
                f"with share_of: group the targets are shares of one whole: they must add up to 1, "
                f"not to {whole:g}"
            )
        _check_recognisable(self.names, self.zero_shot)
        return self


class LabelGroup(Group):
    """Labels whose association with the sensitive attributes is to be bounded."""

    names: dict[Name, Recognition] = Field(min_length=1)

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        _check_recognisable(self.names, self.zero_shot)
        return self


def _check_recognisable(names: Mapping[str, Recognition], zero_shot: ZeroShot) -> None:
    for name, spec in names.items():
        if not spec.sources():
            raise ValueError(
                f"{name!r} has no way to be recognised: give lexicon, prompts or field"
            )
    prompted = sum(bool(spec.prompts) for spec in names.values())
    if prompted == 1 and not zero_shot.none_of_these:
        raise ValueError(
            "zero-shot needs an alternative: give prompts to a second name, "
            "or zero_shot.none_of_these"
        )


class Model(Section):
    """The open_clip model: a registered name, `local-dir:PATH` or `hf-hub:ID`.

    `pretrained` may be a tag of open_clip, a path, or any fsspec URL of a checkpoint.
    """

    name: str = Field(min_length=1)
    pretrained: Url | None = None
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    batch_size: int = Field(256, gt=0)
    decode_threads: int = Field(4, gt=0)


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


class Override(Section):
    """Other bounds for some attributes, labels, or pairs of them, by name or by group."""

    attributes: Words = ()
    labels: Words = ()
    max_representation_bias: Bound | None = None
    max_association_bias: Bound | None = None
    max_label_skew: Bound | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.labels and self.max_representation_bias is not None:
            raise ValueError("max_representation_bias is of attributes alone: give no labels")
        bounds = (self.max_representation_bias, self.max_association_bias, self.max_label_skew)
        if all(bound is None for bound in bounds):
            raise ValueError("give at least one of the max_* bounds; 1 asks for nothing")
        return self


class Balance(Section):
    """What is asked of the balanced corpus, and the M4 problem's other numbers.

    The bounds are in the measures of the paper ("CLIP the Bias"); eta, Q and V are named as there
    (algorithm 1). eta may be left open: auto is the largest at which everything asked for is
    attainable. A bound that is null is not asked for. Of a corpus of more than max_patterns
    patterns so many samples at most are solved on (transforms/plan/polishing.py).
    """

    eta: Rate
    Q: float = Field(1.0, gt=0)
    V: float = Field(100.0, gt=0)
    max_representation_bias: Bound | None = 0.01
    max_association_bias: Bound | None = 0.05
    max_label_skew: Bound | None = None
    overrides: tuple[Override, ...] = ()
    max_patterns: int = Field(10_000_000, gt=0)

    @model_validator(mode="after")
    def _attainable_rate(self) -> Self:
        if not isinstance(self.eta, str) and self.eta > self.Q:
            raise ValueError(
                f"eta = {self.eta:g} is above Q = {self.Q:g}: the mean weight cannot exceed "
                "the largest one; lower eta or raise Q"
            )
        return self

    @property
    def rate(self) -> float:
        """eta as a number; ConfigError where it is left open."""
        if isinstance(self.eta, str):
            raise ConfigError("balance.eta: auto is left open here; give a number")
        return self.eta

    def at(self, rate: float) -> Self:
        """The same asked for at another rate."""
        return self.model_copy(update={"eta": rate})


class OutputConfig(Section):
    """Where the artefacts go, and how large an output shard is (samples, or bytes)."""

    url: str = Field(min_length=1)
    samples_per_shard: int | None = Field(None, gt=0)
    bytes_per_shard: int | None = Field(None, gt=0)
    storage_options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.samples_per_shard is not None and self.bytes_per_shard is not None:
            raise ValueError("give samples_per_shard or bytes_per_shard, not both")
        if self.samples_per_shard is None and self.bytes_per_shard is None:
            object.__setattr__(self, "samples_per_shard", 10_000)
        return self


class Engine(Section):
    """What runs the job: Beam (any runner) or Spark, with the engine's own options."""

    name: Literal["beam", "spark"] = "beam"
    options: dict[str, str | int | float | bool] = {}


class Config(Section):
    """The whole configuration; no artefact tells of its `telemetry`."""

    input: Input
    attributes: dict[Name, AttributeGroup] = Field(min_length=1)
    labels: dict[Name, LabelGroup] = {}
    model: Model | None = None
    similarity: bool = False
    utility: Utility = Utility()
    filter: Filter | None = None
    balance: Balance
    calibration: Url | None = Field(None, min_length=1)
    seed: int = Field(0, ge=0)
    output: OutputConfig
    engine: Engine = Engine()
    gates: Gates = Gates()
    telemetry: Telemetry = Field(Telemetry(), exclude=True)

    @model_validator(mode="after")
    def _model_where_needed(self) -> Self:
        groups: list[AttributeGroup | LabelGroup] = [
            *self.attributes.values(),
            *self.labels.values(),
        ]
        prompts = any(spec.prompts for group in groups for spec in group.names.values())
        if self.model is None and (prompts or self.scores_similarity):
            raise ValueError("prompts and similarity need a model: give model.name")
        return self

    @property
    def scores_similarity(self) -> bool:
        """Whether the labels carry the image-text similarity of every sample."""
        return self.similarity or self.utility.score == "similarity" or self.filter is not None
