"""The samples of a preview, labelled: each source of a name apart, as `combine: apart` has it."""

from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from transforms.config.columns import Named, without_source
from transforms.config.groups import CrossedGroup
from transforms.config.recognisers import Source
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.config.tables import TableColumn
from transforms.labels.read_ahead import Clock
from transforms.labels.rows import Row
from transforms.labels.sample_labeller import SampleLabeller
from transforms.preview.heads import HeadEntry, heads
from transforms.shards.finding import Shard
from transforms.shards.locations import Location
from transforms.shards.samples import Ignored, Reject, Sample

_MOST_AT_ONCE = 32

Outcome = Row | Reject | Ignored
Tracked = Callable[[Iterable[Outcome]], Iterable[Outcome]]


@dataclass(frozen=True, slots=True)
class SeenSample:
    """A labelled sample: what was read of it, and by which sources each name is recognised.

    Names are those of columns without their sources; those that are derived are not among them.
    joined: what its rows have in the columns of tables that the filter asks of.
    """

    location: Location
    caption: str
    document: Mapping[str, Any]
    sources: Mapping[str, frozenset[Source]]
    similarity: float | None
    joined: Mapping[TableColumn, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What was read: labelled samples, and rejects with their shards' names.

    shards: of how many. extensions: how many samples have a member of each.
    """

    seen: tuple[SeenSample, ...]
    rejects: tuple[tuple[str, Reject], ...]
    shards: int
    extensions: Mapping[str, int]


def read_heads(config: Config, shards: Sequence[Shard], samples: int, tracked: Tracked) -> Reading:
    """The first samples of some shards; `tracked` passes on what becomes of each.

    Raises FairshardError where a shard cannot be read, or the model cannot be had.
    """
    apart = each_source_apart(config)
    columns = [
        (without_source(entry.column), entry.sources) for entry in schema_of(apart).recognised
    ]
    labeller = SampleLabeller(apart)
    read: deque[HeadEntry] = deque()
    seen, rejects = [], []
    extensions: Counter[str] = Counter()
    names = set()
    with (
        closing(heads(shards, config, samples)) as found,
        closing(labeller.outcomes(_noted(found, read), Clock())) as outcomes,
    ):
        for outcome in tracked(outcomes):
            head = read.popleft()
            names.add(head.shard.name)
            if isinstance(head.entry, Sample):
                extensions.update(head.entry.extensions)
            if isinstance(outcome, Reject):
                rejects.append((head.shard.name, outcome))
            elif isinstance(outcome, Row) and isinstance(head.entry, Sample):
                document = labeller.reader.document(head.entry)
                sources: dict[str, frozenset[Source]] = {}
                for column in outcome.columns:
                    name, of_column = columns[column]
                    sources[name] = sources.get(name, frozenset()).union(of_column)
                seen.append(
                    SeenSample(
                        Location(
                            head.shard, head.compression, outcome.key, outcome.offset, outcome.size
                        ),
                        labeller.reader.caption(head.entry, document),
                        document,
                        sources,
                        outcome.similarity,
                    )
                )
    return Reading(tuple(seen), tuple(rejects), len(names), extensions)


def _noted(found: Iterable[HeadEntry], read: deque[HeadEntry]) -> Generator[Sample | Reject]:
    """The entries of heads, which are put down as they are read."""
    for head in found:
        read.append(head)
        yield head.entry


def each_source_apart(config: Config) -> Config:
    """The recognised names, each source with a column of its own, in small batches."""
    model = config.model
    if model is not None:
        model = model.model_copy(update={"batch_size": min(model.batch_size, _MOST_AT_ONCE)})
    return config.model_copy(
        update={
            "attributes": _of_sources(config.attributes),
            "labels": _of_sources(config.labels),
            "model": model,
        }
    )


def _of_sources(groups: Mapping[str, Named | CrossedGroup]) -> dict[str, Named]:
    found = {}
    for key, group in groups.items():
        if isinstance(group, CrossedGroup):
            continue
        names = {name: spec for name, spec in group.names.items() if not spec.derives_from()}
        if names:
            found[key] = group.model_copy(update={"combine": "apart", "names": names})
    return found
