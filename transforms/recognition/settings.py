"""What the labels depend on: how each column is recognised, the members read, the model."""

import json
from dataclasses import dataclass
from typing import Any

import xxhash

from transforms.config.schema import Recognised, schema_of
from transforms.config.sections import Attribute, Config, Members, Recognition, ZeroShot
from transforms.recognition.checkpoints import model_identity

_SEMANTICS = 1
_BUDGETS = {"max_reject_share", "max_rejects", "max_lost_shards", "max_lost_share"}


@dataclass(frozen=True, slots=True)
class Needs:
    """Which parts of a sample the labels need."""

    image: bool
    caption: bool
    metadata: bool


def recognitions(config: Config) -> tuple[Recognition, ...]:
    """How each column of the label table is recognised, by the column's own sources only."""
    return tuple(_recognition(config, entry) for entry in schema_of(config).recognised)


def zero_shot_of(config: Config, entry: Recognised) -> ZeroShot:
    """How the group of a column decides on its names' prompts."""
    groups = config.attributes if entry.kind == "s" else config.labels
    return groups[entry.group.partition("@")[0]].zero_shot


def needs_of(config: Config) -> Needs:
    """Which parts of a sample the labels of `config` need."""
    specs = recognitions(config)
    caption = config.scores_similarity or any(spec.lexicon for spec in specs)
    return Needs(
        image=config.scores_similarity or any(spec.prompts for spec in specs),
        caption=caption,
        metadata=any(spec.field for spec in specs)
        or config.utility.field is not None
        or (caption and config.input.caption_field is not None),
    )


def members_of(config: Config) -> Members:
    """The members that must be read: the given ones that the labels need."""
    given, needs = config.input.members, needs_of(config)
    caption_is_member = needs.caption and config.input.caption_field is None
    return Members(
        image=given.image if needs.image else (),
        caption=given.caption if caption_is_member else (),
        metadata=given.metadata if needs.metadata else (),
    )


def settings_digest(config: Config) -> str:
    """The xxh3-128 of all that the labels depend on.

    Two configurations with one digest give one shard the same label table. Targets, balance, seed,
    output, engine, device and batch size are left out.
    """
    schema = schema_of(config)
    model = config.model if needs_of(config).image else None
    settings: dict[str, Any] = {
        "semantics": _SEMANTICS,
        "members": members_of(config).model_dump(),
        "caption_field": config.input.caption_field,
        "limits": config.input.limits.model_dump(exclude=_BUDGETS),
        "columns": [
            (entry.column, spec.model_dump(), zero_shot_of(config, entry).model_dump())
            for entry, spec in zip(schema.recognised, recognitions(config), strict=True)
        ],
        "similarity": schema.similarity,
        "utility": config.utility.model_dump(),
        "model": model and (model_identity(model), model.precision),
    }
    return xxhash.xxh3_128_hexdigest(json.dumps(settings, sort_keys=True).encode())


def settings_by_key(config: Config) -> dict[str, Any]:
    """What the labels depend on, by the keys of the configuration: to say which has changed.

    `model` has its weights' identity besides its keys.
    """
    schema, given = schema_of(config), config.input
    limits = given.limits.model_dump(exclude=_BUDGETS)
    keys: dict[str, Any] = {
        "input": {
            "members": given.members.model_dump(mode="json"),
            "caption_field": given.caption_field,
            "limits": limits,
        },
        "attributes": {},
        "labels": {},
        "similarity": schema.similarity,
        "utility": config.utility.model_dump(),
    }
    for entry, spec in zip(schema.recognised, recognitions(config), strict=True):
        groups = keys["attributes" if entry.kind == "s" else "labels"]
        group = groups.setdefault(entry.group, {"names": {}})
        group["names"][entry.name] = spec.model_dump(mode="json")
        group["zero_shot"] = zero_shot_of(config, entry).model_dump(mode="json")
    if config.model is not None and needs_of(config).image:
        named = config.model.model_dump(include={"name", "pretrained", "precision"})
        keys["model"] = {**named, "weights": model_identity(config.model)}
    return keys


def _recognition(config: Config, entry: Recognised) -> Recognition:
    name, group = entry.name.partition("@")[0], entry.group.partition("@")[0]
    spec: Attribute | Recognition = (
        config.attributes[group].names[name]
        if entry.kind == "s"
        else config.labels[group].names[name]
    )
    return Recognition(
        lexicon=spec.lexicon if "caption" in entry.sources else (),
        prompts=spec.prompts if "image" in entry.sources else (),
        field=spec.field if "metadata" in entry.sources else None,
    )
