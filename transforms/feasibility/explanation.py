"""What is known of why something is missed, as far as that was looked into, and in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from transforms.feasibility.remedies import Conflict, in_words

Finding = Literal["open", "conflict", "attainable", "unproven"]
Remedy = Literal["rate", "looser", "missing"]
REMEDIES: tuple[Remedy, ...] = ("rate", "looser", "missing")
_SOUGHT: dict[Remedy, str] = {
    "rate": "which rate would do",
    "looser": "which bounds would do",
    "missing": "which samples are missing",
}


@dataclass(frozen=True)
class Explanation:
    """What is known of why something is missed.

    finding: open, as long as nothing is known; conflict, where a set of constraints is proven to
    be unattainable together; attainable, where weights that meet everything were found; unproven,
    where neither was. smallest: none of the conflict can be spared. sought: the remedies that were
    looked for to the end. sampled: it is of a sample of the corpus, and proves nothing of the rest.
    """

    finding: Finding = "open"
    conflict: Conflict | None = None
    smallest: bool = False
    sought: tuple[Remedy, ...] = ()
    sampled: bool = False

    @property
    def complete(self) -> bool:
        """Whether there is nothing more to look for."""
        if self.finding == "conflict":
            return self.smallest and not self.left
        return self.finding != "open"

    @property
    def left(self) -> tuple[Remedy, ...]:
        """The remedies that are to be looked for."""
        return tuple(remedy for remedy in REMEDIES if remedy not in self.sought)

    def lines(self, goes_on: str = "`fairshard why OUTPUT`") -> Iterator[str]:
        """A line each for what is known and, where there may be more, what `goes_on` from there."""
        among = "in the sample that was solved on, " if self.sampled else ""
        if self.conflict is not None:
            first, *others = in_words(self.conflict, self.smallest)
            yield from (f"{among}{first}", *others)
        elif self.finding == "attainable":
            yield f"{among}everything can be met at this rate with a higher V (auto finds one)"
        elif self.finding == "unproven":
            yield "neither weights that meet everything were found nor a proof that there are none"
        if not self.complete:
            yield f"still to be found: {self._to_find}; {goes_on} goes on"

    @property
    def _to_find(self) -> str:
        if self.conflict is None:
            return "why"
        fewer = () if self.smallest else ("whether fewer conflict",)
        return ", ".join((*fewer, *(_SOUGHT[remedy] for remedy in self.left)))


NOTHING_KNOWN = Explanation()
