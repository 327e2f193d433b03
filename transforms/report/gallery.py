"""A few sample pictures for the report, chosen by hash: who was kept and who was dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.report.pictures import Thumbnail, Thumbnails
from transforms.resampling.drawing import draw
from transforms.shards.locations import Location
from transforms.statistics.counting import is_balanced
from transforms.storage.files import Storage

MOST_GROUPS = 10
EACH = 3
NO_ATTRIBUTE = "none of these"
_MOST_SHARDS = 8

Slot = tuple[str, bool]


@dataclass(frozen=True)
class Choice:
    """A sample that the report shows: where it is, its attributes and labels, q and its copies."""

    location: Location
    names: tuple[str, ...]
    weight: float
    copies: int


@dataclass(frozen=True)
class Picture:
    """A chosen sample as the page shows it."""

    choice: Choice
    thumbnail: Thumbnail


@dataclass(frozen=True)
class SampleGroup:
    """Samples that carry one attribute (or none): a few kept ones, a few dropped ones."""

    name: str
    kept: tuple[Picture, ...]
    dropped: tuple[Picture, ...]


def sample_groups(
    plan: Plan,
    config: Config,
    records: Sequence[LabelRecord],
    storage: Storage,
    input_options: Mapping[str, Any],
) -> tuple[SampleGroup, ...]:
    """Samples of the first attributes, and of none, all chosen by hash from a few shards.

    Raises FairshardError where the label tables are gone or have changed; where an input shard is
    or has, its samples come without pictures.
    """
    attributes = [attribute.name for attribute in schema_of(config).attributes]
    groups = [*attributes[: MOST_GROUPS - 1], NO_ATTRIBUTE]
    chosen: dict[Slot, list[Choice]] = {
        (name, kept): [] for name in groups for kept in (True, False)
    }
    labelled = (record for record in records if record.samples)
    for record in sorted(labelled, key=lambda record: _hash(record.shard.name))[:_MOST_SHARDS]:
        if all(len(choices) == EACH for choices in chosen.values()):
            break
        _choose(record, plan, config, storage, chosen)
    thumbnails = Thumbnails(config, input_options)
    shown = {
        slot: tuple(Picture(choice, thumbnails.of(choice.location)) for choice in choices)
        for slot, choices in chosen.items()
    }
    found = (SampleGroup(name, shown[name, True], shown[name, False]) for name in groups)
    return tuple(group for group in found if group.kept or group.dropped)


def _choose(
    record: LabelRecord,
    plan: Plan,
    config: Config,
    storage: Storage,
    chosen: dict[Slot, list[Choice]],
) -> None:
    """Fill up `chosen` from one shard, in order of hashed key."""
    schema = schema_of(config)
    drawn = draw(record, plan, config, storage)
    m = len(schema.attributes)
    copies = np.bincount(drawn.row, minlength=drawn.table.num_rows)
    order = np.argsort([_hash(key) for key in drawn.table.column("key").to_pylist()])
    carried: dict[str, NDArray[np.bool_]] = {
        attribute.name: drawn.flags[:, k] for k, attribute in enumerate(schema.attributes)
    }
    carried[NO_ATTRIBUTE] = np.logical_not(drawn.flags[:, :m].any(axis=1))
    for (name, kept), choices in chosen.items():
        suits = carried[name] & ((copies > 0) == kept)
        rows = order[suits[order]][: EACH - len(choices)]
        table, flags = drawn.table.take(pa.array(rows)), drawn.flags[rows]
        weights = plan.weights(flags, table.column("utility").to_numpy())
        weights = np.where(is_balanced(table, config), weights, 0.0)
        names = [*carried][:m] + list(schema.labels)
        for position, entry in enumerate(table.select(["key", "offset", "size"]).to_pylist()):
            present = tuple(np.array(names)[flags[position]].tolist())
            choice = Choice(
                Location(record.shard, record.compression, **entry),
                names=present,
                weight=float(weights[position]),
                copies=int(copies[rows[position]]),
            )
            choices.append(choice)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogateescape"))
