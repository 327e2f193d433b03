"""What the labels depend on: how each column is recognised, the members read, the model."""

import json
from typing import Any

import xxhash

from transforms.config.columns import Recognised
from transforms.config.groups import AttributeGroup, CrossedGroup, LabelGroup, ZeroShot
from transforms.config.recognisers import RECOGNISERS, Source, dumped
from transforms.config.schema import schema_of
from transforms.config.sections import Config, Members
from transforms.recognition.checkpoints import model_identity
from transforms.recognition.image_kinds import asked_for

_SEMANTICS = 1
_BUDGETS = {"max_reject_share", "max_rejects", "max_lost_shards", "max_lost_share"}


def recognitions(config: Config) -> tuple[dict[str, Any], ...]:
    """How each column of the label table is recognised: settings by the recognisers' keys.

    Those alone that are of the column's own sources.
    """
    return tuple(
        _group_of(config, entry).names[_base(entry.name)].given(entry.sources)
        for entry in schema_of(config).recognised
    )


def unanimous(config: Config) -> dict[str, frozenset[int]]:
    """The columns, by recogniser, that it must find whatever others do (`combine: all`).

    Those alone that are recognised in several ways.
    """
    found: dict[str, set[int]] = {}
    entries = schema_of(config).recognised
    for column, (entry, given) in enumerate(zip(entries, recognitions(config), strict=True)):
        if len(given) > 1 and _group_of(config, entry).combine == "all":
            for key in given:
                found.setdefault(key, set()).add(column)
    return {key: frozenset(columns) for key, columns in found.items()}


def zero_shot_of(config: Config, entry: Recognised) -> ZeroShot:
    """How the group of a column decides on its names' prompts."""
    return _group_of(config, entry).zero_shot


def needs_of(config: Config) -> frozenset[Source]:
    """Which parts of a sample the labels of `config` need."""
    needs = {source for entry in schema_of(config).recognised for source in entry.sources}
    if config.scores_similarity:
        needs |= {"image", "caption"}
    if config.utility.field is not None or config.input.carry:
        needs.add("metadata")
    if "caption" in needs and config.input.caption_field is not None:
        needs.add("metadata")
    return frozenset(needs)


def members_of(config: Config) -> Members:
    """The members that must be read: the given ones that the labels need."""
    given, needs = config.input.members, needs_of(config)
    caption_is_member = "caption" in needs and config.input.caption_field is None
    return Members(
        image=given.image if "image" in needs else (),
        caption=given.caption if caption_is_member else (),
        metadata=given.metadata if "metadata" in needs else (),
    )


def settings_digest(config: Config) -> str:
    """The xxh3-128 of all that the labels depend on.

    Two configurations with one digest give one shard the same label table. Targets, balance, seed,
    output, engine, device and batch size are left out.
    """
    schema = schema_of(config)
    model = config.model if "image" in needs_of(config) else None
    settings: dict[str, Any] = {
        "semantics": _SEMANTICS,
        "members": members_of(config).model_dump(),
        "caption_field": config.input.caption_field,
        "limits": config.input.limits.model_dump(exclude=_BUDGETS),
        "columns": [
            (entry.column, dumped(given, "json"), zero_shot_of(config, entry).model_dump())
            for entry, given in zip(schema.recognised, recognitions(config), strict=True)
        ],
        "similarity": schema.similarity,
        "utility": config.utility.model_dump(),
        **_unanimous_names(config),
        **_carried(config),
        "model": model and (model_identity(model), model.precision),
        **_kinds(config),
        **_versions(config),
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
            **_carried(config),
        },
        "attributes": {},
        "labels": {},
        "similarity": schema.similarity,
        "utility": config.utility.model_dump(),
        **_kinds(config),
        **_versions(config),
    }
    together = _unanimous_names(config).get("all", ())
    for entry, given_settings in zip(schema.recognised, recognitions(config), strict=True):
        groups = keys["attributes" if entry.kind == "s" else "labels"]
        group = groups.setdefault(entry.group, {"names": {}})
        group["names"][entry.name] = dumped(given_settings, "json")
        if entry.column in together:
            group["combine"] = "all"
        group["zero_shot"] = zero_shot_of(config, entry).model_dump(mode="json")
    if config.model is not None and "image" in needs_of(config):
        named = config.model.model_dump(include={"name", "pretrained", "precision"})
        keys["model"] = {**named, "weights": model_identity(config.model)}
    return keys


def _unanimous_names(config: Config) -> dict[str, list[str]]:
    """The columns of `combine: all` that this makes a difference to, where there are any."""
    entries = schema_of(config).recognised
    columns = sorted({column for of_one in unanimous(config).values() for column in of_one})
    return {"all": [entries[column].column for column in columns]} if columns else {}


def _carried(config: Config) -> dict[str, tuple[str, ...]]:
    """The metadata fields that label tables carry along, where there are any."""
    carried = schema_of(config).carried
    return {"carry": carried} if carried else {}


def _versions(config: Config) -> dict[str, dict[str, int]]:
    """The versions of the recognisers in use, but the first ones of those that have always been."""
    used = (RECOGNISERS[key] for given in recognitions(config) for key in given)
    versions = {
        entry.name: entry.version for entry in used if entry.version > 1 or not entry.original
    }
    return {"recognisers": versions} if versions else {}


def _kinds(config: Config) -> dict[str, tuple[str, ...]]:
    """The kinds of image files that are read because an extension asks for them, if any is."""
    kinds = asked_for(members_of(config).image)
    return {"image_kinds": kinds} if kinds else {}


def _group_of(config: Config, entry: Recognised) -> AttributeGroup | LabelGroup:
    groups = config.attributes if entry.kind == "s" else config.labels
    group = groups[_base(entry.group)]
    if isinstance(group, CrossedGroup):
        raise TypeError(f"{entry.column} is of a crossed group, whose names are all derived")
    return group


def _base(name: str) -> str:
    """The name of a column or group without its source."""
    return name.partition("@")[0]
