"""Labelling samples, wherever they are read from: each has a row, or a reason why it has none."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from transforms.base.errors import FairshardError, reason_of
from transforms.config.sections import Config
from transforms.labels.read_ahead import Clock, in_order, overlapped, salvaged
from transforms.labels.rows import Row
from transforms.recognition.candidates import Candidate, CandidateReader, Sight
from transforms.recognition.settings import needs_of
from transforms.shards.samples import Ignored, Reject, Sample

if TYPE_CHECKING:
    from transforms.recognition.vision import Vision

_READ_AHEAD_BYTES = 128 * 2**20
_BATCH_WITHOUT_MODEL = 256

_Entry = Candidate | Reject | Ignored
_Seen = tuple[list[_Entry], list[Sight | Exception]]


class SampleLabeller:
    """Labels samples as a configuration says; it holds the model, where there is one.

    Reading, decoding (in `model.decode_threads` threads) and the model (in one) overlap. `vision`
    is the configuration's, unless given. Raises FairshardError where the model cannot be had.
    """

    def __init__(self, config: Config, vision: Vision | None = None) -> None:
        self._utility = config.utility
        self._vision = vision or _vision(config)
        self._batch_size = config.model.batch_size if config.model else _BATCH_WITHOUT_MODEL
        self.reader = (
            CandidateReader(config, self._vision.decode, self._vision.tokens)
            if self._vision
            else CandidateReader(config)
        )

    @property
    def device(self) -> str:
        """What the model runs on, "" where there is none."""
        return self._vision.device if self._vision else ""

    def outcomes(
        self, samples: Iterable[Sample | Reject | Ignored], clock: Clock
    ) -> Generator[Row | Reject | Ignored]:
        """What becomes of each, in their order; close this before what gives the samples.

        Raises FairshardError where the model fails on all that it is given.
        """
        with (
            closing(self._entries(samples, clock)) as entries,
            closing(self._batches(entries, clock)) as batches,
        ):
            for batch, seen in batches:
                sights = iter(seen)
                for entry in batch:
                    if isinstance(entry, Candidate):
                        yield self._row(entry, next(sights))
                    else:
                        yield entry

    def _batches(self, entries: Iterable[_Entry], clock: Clock) -> Generator[_Seen]:
        """The entries by batches, with what the model sees; it sees one while the next is read."""
        batches = _batches(entries, self._batch_size)
        if self._vision is None:
            yield from ((batch, self._seen(batch, clock)) for batch in batches)
            return
        see = partial(self._seen, clock=clock)
        with closing(overlapped(batches, see, partial(clock.add, "idle"))) as seen:
            yield from seen

    def _entries(
        self, samples: Iterable[Sample | Reject | Ignored], clock: Clock
    ) -> Generator[_Entry]:
        """The samples as candidates: read ahead of the model, where there is one."""
        found = clock.each("read", samples)
        read = partial(self._read, clock)
        if self._vision is None:
            yield from map(read, found)
            return
        threads = self._vision.threads
        with closing(in_order(found, read, threads, self._cost, _READ_AHEAD_BYTES)) as ahead:
            yield from ahead

    def _read(self, clock: Clock, entry: Sample | Reject | Ignored) -> _Entry:
        if not isinstance(entry, Sample):
            return entry
        return clock.timed("decode", lambda: self.reader.read(entry))

    def _cost(self, entry: Sample | Reject | Ignored) -> int:
        """The bytes of memory that an entry takes, read or decoded."""
        if self._vision is None or not isinstance(entry, Sample):
            return 0
        return sum(map(len, entry.members.values())) + 3 * self._vision.side**2

    def _seen(self, batch: list[_Entry], clock: Clock) -> list[Sight | Exception]:
        """What the model sees in each candidate of a batch, or how it fails on it."""
        candidates = [entry for entry in batch if isinstance(entry, Candidate)]
        if self._vision is None:
            return [Sight()] * len(candidates)
        see = self._vision.see
        sights = clock.timed("model", lambda: salvaged(see, candidates))
        errors = [sight for sight in sights if isinstance(sight, Exception)]
        if errors and len(errors) == len(candidates) and not self._vision.works():
            raise FairshardError(
                f"the model fails on every sample of a batch: {reason_of(errors[0])}; check "
                "model.name, model.device and model.batch_size"
            ) from errors[0]
        return sights

    def _row(self, candidate: Candidate, sight: Sight | Exception) -> Row | Reject:
        if isinstance(sight, Exception):
            return Reject(candidate.key, "model", f"the model fails on it: {reason_of(sight)}")
        utility = candidate.utility
        if self._utility.score == "similarity" and sight.similarity is not None:
            utility *= max(0.0, sight.similarity)
        return Row(
            key=candidate.key,
            offset=candidate.offset,
            size=candidate.size,
            mixed=candidate.mixed,
            columns=(candidate.votes | sight.votes).columns,
            similarity=sight.similarity,
            utility=utility,
            carried=candidate.carried,
            joined_by=candidate.joined_by,
            values=candidate.values,
        )


def _vision(config: Config) -> Vision | None:
    if config.model is None or "image" not in needs_of(config):
        return None
    from transforms.recognition.vision import Vision  # torch takes seconds to import

    return Vision(config, config.model)


def _batches(entries: Iterable[_Entry], size: int) -> Iterator[list[_Entry]]:
    """The entries, in lists that hold `size` candidates, the last one fewer."""
    batch: list[_Entry] = []
    candidates = 0
    for entry in entries:
        batch.append(entry)
        candidates += isinstance(entry, Candidate)
        if candidates == size:
            yield batch
            batch, candidates = [], 0
    if batch:
        yield batch
