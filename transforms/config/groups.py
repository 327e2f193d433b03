"""Groups of names: sensitive attributes with their targets, and labels."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from transforms.config.forms import Name, Section, Words, without_empty
from transforms.config.names import DERIVING, AttributeSpec, NameSpec
from transforms.config.recognisers import registered
from transforms.config.shares import WantedShare

PROMPTS, EMBEDDED_PROMPTS = "prompts", "embedded_prompts"
_ROUNDING = 1e-3


class ZeroShot(Section):
    """Zero-shot recognition of one group: a softmax over its names and the alternatives.

    embeddings: those whose vectors the prompts are asked of; null is the images themselves.
    """

    templates: Words = ("{}",)
    none_of_these: Words = ()
    threshold: float = Field(0.5, gt=0, lt=1)
    embeddings: str | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _templates_have_a_place(self) -> Self:
        for template in self.templates:
            if "{}" not in template:
                raise ValueError(f"the template {template!r} has no place '{{}}' for the prompt")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_empty(dump(self), "embeddings")


class Group(Section):
    """What attribute groups and label groups share.

    `field` is the metadata field of every name that gives none, matched by the name itself.
    Of a name that is recognised in several ways, `combine: any` is true where any of them is, `all`
    where all are; `apart` makes each source one of its own.
    """

    field: str | None = None
    combine: Literal["any", "all", "apart"] = "any"
    zero_shot: ZeroShot = ZeroShot()

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, values: Any) -> Any:
        """A list of names is one of names without more; each name gets the group's field.

        Prompts that are asked of embeddings have a key of their own.
        """
        if not isinstance(values, dict):
            return values
        names = values.get("names")
        if isinstance(names, list) and all(isinstance(name, Hashable) for name in names):
            names = {name: {} for name in names}
        path = values.get("field")
        if isinstance(names, dict) and path is not None:
            names = {
                name: {"field": {"path": path, "values": name}, **spec}
                if isinstance(spec, dict) and not {*DERIVING} & {*spec}
                else spec
                for name, spec in names.items()
            }
        if isinstance(names, dict) and asks_embeddings(values):
            names = {name: _of_embeddings(spec) for name, spec in names.items()}
        return {**values, "names": names} if "names" in values else values


def asks_embeddings(values: Mapping[str, Any]) -> bool:
    """Whether the prompts of a group, as it is written, are asked of embeddings."""
    zero_shot = values.get("zero_shot")
    if isinstance(zero_shot, ZeroShot):
        return zero_shot.embeddings is not None
    return isinstance(zero_shot, dict) and zero_shot.get("embeddings") is not None


def _of_embeddings(spec: Any) -> Any:
    if not isinstance(spec, dict):
        return spec
    return {EMBEDDED_PROMPTS if key == PROMPTS else key: value for key, value in spec.items()}


class AttributeGroup(Group):
    """Sensitive attributes; `share_of` says of what the targets are shares."""

    share_of: Literal["all", "group"] = "all"
    names: dict[Name, AttributeSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        if self.share_of == "group":
            check_one_whole(list(self.names.values()))
        _check_recognisable(self.names, self)
        return self


class LabelGroup(Group):
    """Labels whose association with the sensitive attributes is to be bounded."""

    names: dict[Name, NameSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _recognisable(self) -> Self:
        _check_recognisable(self.names, self)
        return self


class CrossedGroup(Section):
    """A group of all pairs of the names of other groups, or of more than pairs."""

    crossed: Words = Field(min_length=2)


class CrossedAttributes(CrossedGroup):
    """Pairs as sensitive attributes: what `names` does not give has the product of the targets.

    `share_of`: null is what it is in all of the groups that are crossed.
    """

    share_of: Literal["all", "group"] | None = None
    names: dict[str, WantedShare] = Field({})


def _form_of(values: Any) -> str:
    crossed = isinstance(values, CrossedGroup) or (isinstance(values, dict) and "crossed" in values)
    return CROSSED if crossed else NAMED


NAMED, CROSSED = "[named]", "[crossed]"
AnyAttributeGroup = Annotated[
    Annotated[AttributeGroup, Tag(NAMED)] | Annotated[CrossedAttributes, Tag(CROSSED)],
    Discriminator(_form_of),
]
AnyLabelGroup = Annotated[
    Annotated[LabelGroup, Tag(NAMED)] | Annotated[CrossedGroup, Tag(CROSSED)],
    Discriminator(_form_of),
]


def check_one_whole(names: Sequence[WantedShare]) -> None:
    """Raise ValueError where no shares of one whole can be what is asked for."""
    whole = sum(spec.target or 0.0 for spec in names)
    open_names = [spec for spec in names if spec.target is None]
    if not open_names and abs(whole - 1) > _ROUNDING:
        raise ValueError(
            f"with share_of: group the targets are shares of one whole: they must add up to 1, "
            f"not to {whole:g}"
        )
    least = whole + sum(spec.at_least or 0.0 for spec in open_names)
    most = whole + sum(spec.at_most or 1.0 for spec in open_names)
    if open_names and not least - _ROUNDING <= 1 <= most + _ROUNDING:
        raise ValueError(
            f"with share_of: group the shares of all names add up to 1, and targets, at_least and "
            f"at_most ask for {least:g} to {most:g}"
        )


def _check_recognisable(names: Mapping[str, NameSpec], group: Group) -> None:
    given = {name: spec.given() for name, spec in names.items()}
    for name, settings in given.items():
        deriving = next(iter(names[name].derives_from()), "")
        if deriving and settings:
            raise ValueError(
                f"{name!r} is both recognised ({', '.join(settings)}) and derived ({deriving}): "
                "make two names of it, and a third that is any_of them or all_of them"
            )
        if deriving and group.combine == "apart":
            raise ValueError(
                f"{name!r} is derived ({deriving}) and has no source to be kept apart by: give it "
                "a group of its own"
            )
        if not deriving and not settings:
            raise ValueError(
                f"{name!r} has no way to be recognised: give {_one_of_the_keys()}, or "
                "say of which names it is all_of, any_of or none_of"
            )
    for entry in registered():
        used = {name: each[entry.name] for name, each in given.items() if entry.name in each}
        if used:
            entry.check(used, group)


def _one_of_the_keys() -> str:
    keys = [entry.name for entry in registered() if not entry.written_as]
    return " or ".join(filter(None, (", ".join(keys[:-1]), keys[-1])))
