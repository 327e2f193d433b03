"""The generations that an output holds, as its manifest names them."""

from collections.abc import Collection, Sequence
from itertools import takewhile

from pydantic import TypeAdapter

from transforms.base.errors import StaleError
from transforms.generations.record import Generation, GenerationEntry, generation_from
from transforms.labels.tables import digest
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.pattern_tables import histogram_in
from transforms.storage import paths
from transforms.storage.concurrent import at_once
from transforms.storage.documents import Document, parsed
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed

FILES = (paths.MANIFEST, paths.WRITTEN, *paths.OF_THE_PLAN)
REBUILD = "restore it, or make the whole output anew with --rebuild"


class _Head(Document):
    """What is asked of a manifest here."""

    plan: str
    generations: tuple[GenerationEntry, ...] | None = None


_HEAD = TypeAdapter(_Head)


def generations_of(storage: Storage) -> tuple[Generation, ...]:
    """The generations of the whole output, in order; none of one that has not grown.

    An output that no generation was added to yet has one once that is on file. Raises StaleError
    where the record of one is lost, or another.
    """
    head = _head(storage)
    if head is None:
        return ()
    if head.generations is None:
        first = _found(0, storage)
        return (first,) if first is not None and first.plan == head.plan else ()
    found = at_once(lambda entry: _vouched(entry, storage), head.generations)
    return tuple(found)


def plans_by_generation(storage: Storage) -> dict[int, str]:
    """The identities of the plans that a manifest names; none of an output that has not grown."""
    head = _head(storage)
    entries = head.generations if head else None
    return {entry.number: entry.plan for entry in entries or ()}


def generations_before(shards: Collection[str], storage: Storage) -> tuple[Generation, ...]:
    """The generations before the one that these input shards are, or are to be, of.

    So a run that has written the manifest, and one that writes it again, see the same.
    """
    given = frozenset(shards)
    found = generations_of(storage)
    return tuple(takewhile(lambda generation: given.isdisjoint(generation.names), found))


def forget_generations(storage: Storage, first: int = 0) -> None:
    """Remove what is on file of generations of the number `first` and after it, records first."""
    for number in numbers_on_file(storage):
        if number >= first:
            own = storage.generation(number)
            for name in (paths.GENERATION, *FILES):
                own.delete(name)


def numbers_on_file(storage: Storage) -> list[int]:
    """The numbers of the generations that anything is on file of."""
    return [int(name) for name in storage.folders(paths.GENERATIONS) if name.isdecimal()]


def written_patterns(generations: Sequence[Generation], storage: Storage) -> Histogram | None:
    """The patterns of all that generations wrote, a copy a sample; None where there is none."""
    total: HistogramAccumulator | None = None
    for generation in generations:
        found = patterns_of(generation, storage)
        total = total or HistogramAccumulator(found.attributes, found.labels)
        total.add_histogram(found)
    return None if total is None else total.extract()


def patterns_of(generation: Generation, storage: Storage) -> Histogram:
    """The patterns that a generation wrote; StaleError where their file is lost, or another.

    Utilities are not told of: all are 1.
    """
    content, where = vouched_content(generation, paths.WRITTEN, "what {} wrote", storage)
    columns = generation.labelled_by
    with well_formed(f"{where} holds no patterns: {REBUILD}"):
        attributes, labels = map(tuple, (columns["attributes"], columns["labels"]))
        return histogram_in(content, attributes, labels, generation.written)


def vouched_content(
    generation: Generation, name: str, what: str, storage: Storage
) -> tuple[bytes, str]:
    """What a file of a generation holds, and where it is; StaleError where it is lost, or another
    than the generation's record vouches for: `what` it is of "{}" is said then.
    """
    own, of = storage.generation(generation.number), f"generation {generation.number}"
    content, where, said = own.find(name), own.path(name), generation.files.get(name)
    if content is None or said is None or digest(content) != said.digest:
        raise StaleError(f"{where} is not {what.format(of)}: {REBUILD}")
    return content, where


def _head(storage: Storage) -> _Head | None:
    content = storage.find(paths.MANIFEST)
    if content is None:
        return None
    try:
        return parsed(content, _HEAD)
    except ValueError:
        return None


def _found(number: int, storage: Storage) -> Generation | None:
    content = storage.generation(number).find(paths.GENERATION)
    try:
        return None if content is None else generation_from(content)
    except ValueError:
        return None


def _vouched(entry: GenerationEntry, storage: Storage) -> Generation:
    own = storage.generation(entry.number)
    content = own.find(paths.GENERATION)
    if content is None or digest(content) != entry.record:
        what = "is lost" if content is None else "is not the one that the manifest names"
        raise StaleError(f"{own.path(paths.GENERATION)} {what}: {REBUILD}")
    with well_formed(f"{own.path(paths.GENERATION)} is not the record of a generation: {REBUILD}"):
        return generation_from(content)
