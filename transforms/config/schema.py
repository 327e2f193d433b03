"""The columns of a label table, and what the problem needs to know of each attribute."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from transforms.config.balance import Balance, ShareBound
from transforms.config.columns import Derived, NamedColumns, Recognised, in_order, shown_name
from transforms.config.crossed_targets import Targets
from transforms.config.groups import CrossedGroup
from transforms.config.shares import ShareLimits

if TYPE_CHECKING:
    from transforms.config.sections import Config

SIMILARITY = "score.similarity"
CARRIED = "field."

Entry = Recognised | Derived


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
    """What a corpus is labelled with: sensitive attributes (m), labels (c), scores.

    derived: what label tables do not hold and is computed as they are read, each column after those
    that it follows from. carried: metadata fields that label tables hold as they are.
    """

    recognised: tuple[Recognised, ...]
    derived: tuple[Derived, ...]
    attributes: tuple[Attribute, ...]
    labels: tuple[str, ...]
    similarity: bool
    shares: tuple[ShareBound, ...] = ()
    carried: tuple[str, ...] = ()

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
        fields += [pa.field(f"{CARRIED}{path}", pa.string()) for path in self.carried]
        return pa.schema(fields)

    @cached_property
    def as_read(self) -> pa.Schema:
        """The Arrow schema of a label table and of what is derived from it."""
        derived = [pa.field(entry.column, pa.bool_(), nullable=False) for entry in self.derived]
        return pa.schema([*self.arrow, *derived])

    @cached_property
    def pattern_columns(self) -> tuple[str, ...]:
        """The boolean columns in the order of a pattern's bits: the attributes, then the labels."""
        attributes = (f"s.{attribute.name}" for attribute in self.attributes)
        return (*attributes, *(f"y.{label}" for label in self.labels))

    def may_lack(self, column: str) -> bool:
        """Whether samples may have no value in a column of label tables."""
        return column.startswith(CARRIED)

    def kind_of(self, column: str) -> str:
        """Whether a column is an attribute ("s"), a label ("y"), or neither ("")."""
        return self._kinds.get(column, "")

    @cached_property
    def _kinds(self) -> dict[str, str]:
        return {column: column.partition(".")[0] for column in self.pattern_columns}


def schema_of(config: Config) -> Schema:
    """The schema that a configuration asks for.

    With `combine: apart`, a name gives one column for each of its sources (`woman@caption`),
    and each source is a group of its own (`gender@caption`). Raises ValidationError, at the key,
    where names cannot be derived as it says.
    """
    columns = NamedColumns(config.attributes, config.labels)
    attributes, labels = tuple(columns.entries("s")), tuple(columns.entries("y"))
    both, targets = (*attributes, *labels), Targets(config.attributes, columns)
    return Schema(
        tuple(entry for entry in both if isinstance(entry, Recognised)),
        in_order(entry for entry in both if isinstance(entry, Derived)),
        tuple(_attribute(entry, targets) for entry in attributes),
        tuple(shown_name(entry.column) for entry in labels),
        config.scores_similarity,
        (*_shares_of_attributes(attributes, targets), *_shares_of_labels(labels, config)),
        tuple(dict.fromkeys(config.input.carry)),
    )


def asked_of(config: Config) -> Balance:
    """What a configuration asks of the balanced corpus: its bounds, and those of its names."""
    return config.balance.with_shares(schema_of(config).shares)


def _attribute(entry: Entry, targets: Targets) -> Attribute:
    name = shown_name(entry.column)
    whole, _, alone = name.partition(".")
    wanted = targets.of(whole)[alone]
    return Attribute(name, entry.group, wanted.target, targets.share_of(whole))


def _shares_of_attributes(entries: tuple[Entry, ...], targets: Targets) -> Iterator[ShareBound]:
    for name in (shown_name(entry.column) for entry in entries):
        group_name, _, alone = name.partition(".")
        for bound in _bounds(targets.of(group_name)[alone]):
            yield ShareBound(name, None, *bound)


def _shares_of_labels(entries: tuple[Entry, ...], config: Config) -> Iterator[ShareBound]:
    for name in (shown_name(entry.column) for entry in entries):
        group_name, _, alone = name.partition("@")[0].partition(".")
        group = config.labels[group_name]
        if not isinstance(group, CrossedGroup):
            for bound in _bounds(group.names[alone]):
                yield ShareBound(None, name, *bound)


def _bounds(wanted: ShareLimits) -> Iterator[tuple[Literal[1, -1], float]]:
    if wanted.at_least is not None:
        yield -1, wanted.at_least
    if wanted.at_most is not None:
        yield 1, wanted.at_most
