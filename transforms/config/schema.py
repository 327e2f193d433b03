"""The columns of a label table, and what the problem needs to know of each attribute."""

from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from transforms.config.groups import AttributeGroup, LabelGroup
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
    """A sensitive attribute s_k: its name and group, its target pi_k, of what pi_k is a share."""

    name: str
    group: str
    target: float
    share_of: str


@dataclass(frozen=True)
class Schema:
    """What a corpus is labelled with: sensitive attributes (m), labels (c), scores."""

    recognised: tuple[Recognised, ...]
    attributes: tuple[Attribute, ...]
    labels: tuple[str, ...]
    similarity: bool

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
    for group_name, group in config.attributes.items():
        for entry in _columns("s", group_name, group):
            recognised.append(entry)
            target = group.names[entry.name.partition("@")[0]].target
            attributes.append(
                Attribute(f"{group_name}.{entry.name}", entry.group, target, group.share_of)
            )
    labels: list[str] = []
    for group_name, label_group in config.labels.items():
        for entry in _columns("y", group_name, label_group):
            recognised.append(entry)
            labels.append(f"{group_name}.{entry.name}")
    return Schema(tuple(recognised), tuple(attributes), tuple(labels), config.scores_similarity)


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
