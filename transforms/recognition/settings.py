"""What is recognised in samples depends on: how each column is, the members read, the model.

What tables give, which is joined to it, is no part of that (transforms/labels/settings.py).
"""

import json
from collections.abc import Iterator
from typing import Any

import xxhash

from transforms.config.columns import Recognised
from transforms.config.groups import AttributeGroup, CrossedGroup, LabelGroup, ZeroShot
from transforms.config.recognisers import OF_SAMPLES, RECOGNISERS, Source, dumped
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
        group_of(config, entry).names[_base(entry.name)].given(entry.sources)
        for entry in schema_of(config).recognised
    )


def unanimous(config: Config) -> dict[str, frozenset[int]]:
    """The columns, by recogniser, that it must find whatever others do (`combine: all`).

    Those alone that are recognised in several ways of a sample.
    """
    found: dict[str, set[int]] = {}
    for column, (entry, given) in enumerate(_of_samples(config)):
        if len(given) > 1 and group_of(config, entry).combine == "all":
            for key in given:
                found.setdefault(key, set()).add(column)
    return {key: frozenset(columns) for key, columns in found.items()}


def zero_shot_of(config: Config, entry: Recognised) -> ZeroShot:
    """How the group of a column decides on its names' prompts."""
    return group_of(config, entry).zero_shot


def _zero_shot_of_images(config: Config, entry: Recognised) -> ZeroShot:
    """As `zero_shot_of`, but what is asked of embeddings is nothing to a sample."""
    found = zero_shot_of(config, entry)
    return found if found.embeddings is None else ZeroShot()


def needs_of(config: Config) -> frozenset[Source]:
    """Which parts of a sample the labels of `config` need."""
    schema = schema_of(config)
    needs = {source for entry in schema.recognised for source in entry.of_samples}
    if config.similarity_seen:
        needs |= {"image", "caption"}
    by_metadata = schema.carried or schema.joined_by or schema.fields
    if config.utility.field is not None or by_metadata:
        needs.add("metadata")
    if "caption" in needs and config.input.caption_in_metadata is not None:
        needs.add("metadata")
    return frozenset(needs)


def metadata_fields(config: Config) -> frozenset[str] | None:
    """The fields of the metadata, at its top, that labels need; None where they may need all."""
    used = [
        (key, settings)
        for given in recognitions(config)
        for key, settings in given.items()
        if RECOGNISERS[key].source == "metadata"
    ]
    if any(key != "field" for key, _ in used):
        return None
    paths = [settings.path for _, settings in used]
    schema = schema_of(config)
    paths += [*schema.fields, *schema.carried, *schema.joined_by, config.utility.field or ""]
    return frozenset(path.partition(".")[0] for path in paths if path)


def members_of(config: Config) -> Members:
    """The members that must be read: the given ones that the labels need."""
    given, needs = config.input.members, needs_of(config)
    caption_is_member = "caption" in needs and config.input.caption_in_metadata is None
    return Members(
        image=given.image if "image" in needs else (),
        caption=given.caption if caption_is_member else (),
        metadata=given.metadata if "metadata" in needs else (),
    )


def settings_digest(config: Config) -> str:
    """The xxh3-128 of all that what is recognised depends on.

    Two configurations with one digest recognise the same in one shard: without tables, that is its
    label table. Targets, balance, seed, output, engine, device and batch size are left out.
    """
    model = config.model if "image" in needs_of(config) else None
    settings: dict[str, Any] = {
        "semantics": _SEMANTICS,
        "members": members_of(config).model_dump(),
        "caption_field": config.input.caption_field,
        **_tables(config),
        "limits": config.input.limits.model_dump(exclude=_BUDGETS),
        "columns": [
            (entry.column, dumped(given, "json"), _zero_shot_of_images(config, entry).model_dump())
            for entry, given in _of_samples(config)
            if given
        ],
        "similarity": config.similarity_seen,
        "utility": config.utility.model_dump(exclude={"column"}),
        **_values(config),
        **_unanimous_names(config),
        **_carried(config),
        "model": model and (model_identity(model), model.precision),
        **_kinds(config),
        **_versions(config),
    }
    return xxhash.xxh3_128_hexdigest(json.dumps(settings, sort_keys=True).encode())


def settings_by_key(config: Config) -> dict[str, Any]:
    """What is recognised depends on, by the keys of the configuration: to say which has changed.

    `model` has its weights' identity besides its keys.
    """
    given = config.input
    limits = given.limits.model_dump(exclude=_BUDGETS)
    keys: dict[str, Any] = {
        "input": {
            "members": given.members.model_dump(mode="json"),
            "caption_field": given.caption_field,
            **_tables(config),
            "limits": limits,
            **_carried(config),
        },
        "attributes": {},
        "labels": {},
        "similarity": config.similarity_seen,
        "utility": config.utility.model_dump(exclude={"column"}),
        **({"filter": {"fields": fields}} if (fields := schema_of(config).fields) else {}),
        **_kinds(config),
        **_versions(config),
    }
    together = _unanimous_names(config).get("all", ())
    for entry, given_settings in _of_samples(config):
        if not given_settings:
            continue
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
    """The metadata fields that label tables carry along, or are joined by, where there are any."""
    schema = schema_of(config)
    found = {"carry": schema.carried, "joined_by": schema.joined_by}
    return {key: paths for key, paths in found.items() if paths}


def _values(config: Config) -> dict[str, tuple[str, ...]]:
    """The metadata fields whose values label tables hold, where there are any."""
    fields = schema_of(config).fields
    return {"values": fields} if fields else {}


def _tables(config: Config) -> dict[str, Any]:
    """What a corpus of tables is read by."""
    given = config.input
    return {"tables": {"key_column": given.key_column}} if given.tables else {}


def _versions(config: Config) -> dict[str, dict[str, int]]:
    """The versions of the recognisers in use, but the first ones of those that have always been."""
    used = (RECOGNISERS[key] for _, given in _of_samples(config) for key in given)
    versions = {
        entry.name: entry.version for entry in used if entry.version > 1 or not entry.original
    }
    return {"recognisers": versions} if versions else {}


def _kinds(config: Config) -> dict[str, tuple[str, ...]]:
    """The kinds of image files that are read because an extension asks for them, if any is."""
    kinds = asked_for(members_of(config).image)
    return {"image_kinds": kinds} if kinds else {}


def _of_samples(config: Config) -> Iterator[tuple[Recognised, dict[str, Any]]]:
    """Each column, and how it is recognised in samples: not at all, where tables alone tell."""
    for entry, given in zip(schema_of(config).recognised, recognitions(config), strict=True):
        in_samples = {k: v for k, v in given.items() if RECOGNISERS[k].source in OF_SAMPLES}
        yield entry, in_samples


def group_of(config: Config, entry: Recognised) -> AttributeGroup | LabelGroup:
    """The group of a column."""
    groups = config.attributes if entry.kind == "s" else config.labels
    group = groups[_base(entry.group)]
    if isinstance(group, CrossedGroup):
        raise TypeError(f"{entry.column} is of a crossed group, whose names are all derived")
    return group


def _base(name: str) -> str:
    """The name of a column or group without its source."""
    return name.partition("@")[0]
