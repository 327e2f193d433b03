"""A conflict and what would resolve it, as plans hold it, and in words."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from transforms.base.counts import first_of, named
from transforms.storage.documents import Count, Finite

_NAMED = 3


@dataclass(frozen=True)
class MissingPattern:
    """So many samples that carry these attributes and labels of those at stake, and no others."""

    carries: tuple[str, ...]
    samples: Count


@dataclass(frozen=True)
class MissingSamples:
    """Samples that would do, most first.

    No fewer than `least` of any patterns tried would, where associations are linear: around the
    shares of the balanced corpus.
    """

    samples: Count
    least: Count
    patterns: tuple[MissingPattern, ...]

    def times(self, factor: float) -> "MissingSamples":
        """What a corpus `factor` times as large lacks."""
        patterns = tuple(
            MissingPattern(pattern.carries, math.ceil(pattern.samples * factor))
            for pattern in self.patterns
        )
        samples = sum(pattern.samples for pattern in patterns)
        return MissingSamples(samples, math.ceil(self.least * factor), patterns)


@dataclass(frozen=True)
class Looser:
    """The smallest bound that would do if it were asked of all these subjects instead."""

    bound: str
    value: Finite
    subjects: tuple[str, ...]


@dataclass(frozen=True)
class Conflict:
    """The constraints that cannot be met together at rate eta, and what would do instead.

    missing: samples to add; rate: the largest rate; looser: bounds, each by itself. None or empty
    where nothing of the kind would do. tested: on the whole corpus; else, as that has too many
    patterns, only on what the constraints at stake see of it.
    """

    eta: Finite
    constraints: tuple[str, ...]
    missing: MissingSamples | None
    rate: Finite | None
    looser: tuple[Looser, ...]
    tested: bool

    def to_dict(self) -> dict[str, Any]:
        """The conflict as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Conflict":
        """The inverse of `to_dict`; ValueError where it is not of that form."""
        return _CONFLICT.validate_python(values)


_CONFLICT = TypeAdapter(Conflict)


def in_words(conflict: Conflict, smallest: bool = True) -> tuple[str, ...]:
    """A conflict in a line each: what conflicts, what would do.

    smallest: whether none of what conflicts can be spared.
    """
    lines = [_conflict_in_words(conflict, smallest)]
    helps = []
    if conflict.missing:
        helps.append(_missing_in_words(conflict.missing))
    if conflict.rate is not None:
        helps.append(f"eta <= {conflict.rate:g}")
    for looser in conflict.looser:
        subjects = first_of(looser.subjects, _NAMED)
        helps.append(f"{looser.bound} >= {looser.value:g} for {subjects}")
    alone = "" if conflict.tested else " for these by themselves"
    lines += [
        f"{'or' if number else 'what would do' + alone + ':'} {line}"
        for number, line in enumerate(helps)
    ]
    return tuple(lines)


def _conflict_in_words(conflict: Conflict, smallest: bool) -> str:
    names, at_rate = conflict.constraints, f"at eta = {conflict.eta:g}"
    if smallest:
        together = " together" * (len(names) > 1)
        return f"cannot be met{together} {at_rate}: {'; '.join(names)}"
    listed = first_of(names, _NAMED, "; ")
    return f"these {len(names):,}, or fewer of them, cannot be met together {at_rate}: {listed}"


def _missing_in_words(missing: MissingSamples) -> str:
    """How many samples are missing, and that what each carries is all that it may carry."""
    patterns = missing.patterns
    carried = [" and ".join(pattern.carries) for pattern in patterns]
    if len(patterns) == 1:
        exactly = f"exactly {carried[0]} and no other" if carried[0] else "no"
        more = named(missing.samples, "sample")
        return f"{missing.samples:,} more {more} with {exactly} attribute or label"
    counted = [
        f"{one.samples:,} with {names or 'none'}"
        for one, names in zip(patterns, carried, strict=True)
    ]
    others = sum(pattern.samples for pattern in patterns[_NAMED:])
    listed = counted[:_NAMED] + ([f"{others:,} others"] if others else [])
    return (
        f"{missing.samples:,} more samples, each with exactly these attributes and labels and no "
        f"other: {', '.join(listed)}"
    )
