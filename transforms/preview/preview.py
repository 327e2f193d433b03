"""A preview: what names are recognised in a few samples, by which sources, and what to mend."""

from collections.abc import Mapping
from dataclasses import dataclass

from transforms.base.counts import counted, named
from transforms.config.observations import Observation
from transforms.config.recognisers import Source
from transforms.labels.rejects import RejectKind
from transforms.shards.locations import Location
from transforms.tables.accidents import shown


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that carries a name by some sources, and its caption around the word that says so.

    word: "" where no word of the name's own is in the caption. All are "" where the labels need no
    caption.
    """

    location: Location
    sources: tuple[Source, ...]
    before: str
    word: str
    after: str


@dataclass(frozen=True, slots=True)
class PreviewedName:
    """How a name, GROUP.NAME, is recognised: `hits` samples carry it.

    derived: it follows from other names, and has no source. by_source: in so many by each source.
    alone: in so many by that source and no other; agreed: by all.
    """

    kind: str
    name: str
    hits: int
    by_source: Mapping[Source, int]
    alone: Mapping[Source, int]
    agreed: int
    examples: tuple[Example, ...]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that samples have members of, and what they are read as.

    part: "image", "caption" or "metadata"; "" where input.members does not name it. needed: whether
    the labels need that part.
    """

    extension: str
    samples: int
    part: str
    needed: bool

    @property
    def read_as(self) -> str:
        """In words."""
        if not self.part:
            return "not read"
        return self.part if self.needed else f"{self.part}, which no label needs"


@dataclass(frozen=True, slots=True)
class PreviewedTable:
    """How far a table has rows for a preview's samples.

    rows: how many were looked through; whole: whether these are all that may be of the samples.
    without: some keys of samples that have no row, of_rows: some of rows that were seen.
    """

    table: str
    samples: int
    with_row: int
    rows: int
    whole: bool
    without: tuple[str, ...]
    of_rows: tuple[str, ...]

    def __str__(self) -> str:
        there = "" if self.whole else f" in its first {counted(self.rows, 'row')}"
        lacking = f" (none for {shown(self.without)})" if self.without else ""
        return (
            f"the table {self.table}: {self.with_row:,} of {counted(self.samples, 'sample')} "
            f"{named(self.with_row, 'has', 'have')} a row{there}{lacking}"
        )


@dataclass(frozen=True)
class Preview:
    """The first samples of some shards, labelled: what there is to see before all are.

    of_shards: how many the corpus has. filtered: samples that the quality filter, which sentences
    call `filtered_by`, would drop.
    """

    shards: int
    of_shards: int
    samples: int
    filtered: int
    rejected: tuple[RejectKind, ...]
    extensions: tuple[Extension, ...]
    names: tuple[PreviewedName, ...]
    observations: tuple[Observation, ...]
    advice: tuple[str, ...]
    tables: tuple[PreviewedTable, ...] = ()
    filtered_by: str = ""
