"""The columns of a label table, and what the problem needs to know of each attribute."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import pyarrow as pa

from transforms.config.balance import Balance, ShareBound
from transforms.config.groups import AttributeGroup, LabelGroup
from transforms.config.names import NameSpec
from transforms.config.recognisers import Source
from transforms.config.sections import Config

SIMILARITY = "score.similarity"


@dataclass(frozen=True, slots=True)
class Recognised:
    """One boolean column of the label table and the sources that may set it."""

    column: str
    kind: str
    group: str
    name: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A sensitive attribute s_k: its name and group, its target pi_k, if any, of what pi_k is a
    share.
    """

    name: str
    group: str
    target: float | None
    share_of: str

    @property
    def pi(self) -> float:
        """The target; 0 where there is none, and no bound on how far from it shares may be."""
        return self.target or 0.0


@dataclass(frozen=True)
class Schema:
    """What a corpus is labelled with: sensitive attributes (m), labels (c), scores."""

    recognised: tuple[Recognised, ...]
    attributes: tuple[Attribute, ...]
    labels: tuple[str, ...]
    similarity: bool
    shares: tuple[ShareBound, ...] = ()

    @cached_property
    def arrow(self) -> pa.Schema:
        """The Arrow schema of a label table."""
        fields = [
            pa.field("key", pa.string(), nullable=False),
            pa.field("offset", pa.int64(), nullable=False),
            pa.field("size", pa.int64(), nullable=False),
        ]
        fields += [pa.field(entry.column, pa.bool_(), nullable=False) for entry in self.recognised]
        if self.similarity:
            fields.append(pa.field(SIMILARITY, pa.float32(), nullable=False))
        fields.append(pa.field("utility", pa.float64(), nullable=False))
        return pa.schema(fields)

    @property
    def pattern_columns(self) -> tuple[str, ...]:
        """The boolean columns in the order of a pattern's bits: the attributes, then the labels."""
        return tuple(entry.column for entry in self.recognised)


def schema_of(config: Config) -> Schema:
    """The schema that a configuration asks for.

    With `combine: apart`, a name gives one column for each of its sources (`woman@caption`),
    and each source is a group of its own (`gender@caption`).
    """
    recognised: list[Recognised] = []
    attributes: list[Attribute] = []
    shares: list[ShareBound] = []
    for group_name, group in config.attributes.items():
        for entry in _columns("s", group_name, group):
            recognised.append(entry)
            spec = group.names[entry.name.partition("@")[0]]
            name = f"{group_name}.{entry.name}"
            attributes.append(Attribute(name, entry.group, spec.target, group.share_of))
            shares += [ShareBound(name, None, *bound) for bound in _bounds(spec)]
    labels: list[str] = []
    for group_name, label_group in config.labels.items():
        for entry in _columns("y", group_name, label_group):
            recognised.append(entry)
            name = f"{group_name}.{entry.name}"
            labels.append(name)
            bounds = _bounds(label_group.names[entry.name.partition("@")[0]])
            shares += [ShareBound(None, name, *bound) for bound in bounds]
    return Schema(
        tuple(recognised), tuple(attributes), tuple(labels), config.scores_similarity, tuple(shares)
    )


def asked_of(config: Config) -> Balance:
    """What a configuration asks of the balanced corpus: its bounds, and those of its names."""
    return config.balance.with_shares(schema_of(config).shares)


def _bounds(spec: NameSpec) -> Iterator[tuple[Literal[1, -1], float]]:
    if spec.at_least is not None:
        yield -1, spec.at_least
    if spec.at_most is not None:
        yield 1, spec.at_most


def _columns(kind: str, group_name: str, group: AttributeGroup | LabelGroup) -> list[Recognised]:
    columns = []
    for name, spec in group.names.items():
        sources = spec.sources()
        if group.combine == "any":
            columns.append(
                Recognised(f"{kind}.{group_name}.{name}", kind, group_name, name, sources)
            )
            continue
        for source in sources:
            apart = f"{name}@{source}"
            columns.append(
                Recognised(
                    f"{kind}.{group_name}.{apart}", kind, f"{group_name}@{source}", apart, (source,)
                )
            )
    return columns
