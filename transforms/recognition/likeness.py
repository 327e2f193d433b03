"""Which of some texts another one may have been meant for: spelling, inflection, spreadsheets."""

import difflib
import re
from collections.abc import Iterable, Sequence
from itertools import combinations

_LEAST_ALIKE = 0.7
_SHORTEST_MISSPELT = 5
_SHORTEST_STEM = 4
_LONGEST_ENDING = 3
_NAMES_OF_MONTHS = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_MONTHS = {name: number for number, name in enumerate(_NAMES_OF_MONTHS, start=1)}
_PIECES = re.compile(r"[^\W\d_]+|\d+")
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}.*$")
_RANGE = re.compile(r"\s*(\d{1,3})\s*[-/.\u2013]\s*(\d{1,3})\s*")
_GAPS = re.compile(r"[\s_\-]+")


def nearest(text: str, listed: Sequence[str]) -> str:
    """The one of `listed` that `text` is nearest to; "" where none is near."""
    by_form = {_form(one): one for one in reversed(listed)}
    found = difflib.get_close_matches(_form(text), list(by_form), 1, _LEAST_ALIKE)
    return by_form[found[0]] if found else ""


def spoilt_by_dates(text: str, listed: Iterable[str]) -> str:
    """The one of `listed` that a spreadsheet made the date `text` of: "3-9" for "9-Mar"."""
    pairs = _pairs_of(text)
    if not pairs:
        return ""
    return next((one for one in listed if _range_of(one) in pairs), "")


def squeezed(text: str) -> str:
    """`text` without what other spellings differ in: case, spaces, hyphens and underscores."""
    return _GAPS.sub("", text.casefold())


def inflected(word: str, other: str) -> bool:
    """Whether two words differ in their endings alone, as far as that can be told."""
    short, long = sorted((word, other), key=len)
    if long in (f"{short}s", f"{short}es", f"{short}'s", f"{short[:-1]}ies"):
        return True
    common = _common_start(short, long)
    stem = max(_SHORTEST_STEM, len(short) - 2)
    return common >= stem and len(long) - common <= _LONGEST_ENDING


def slips(word: str) -> set[str]:
    """`word`, and what it is without one of its characters; nothing where it is short.

    Two words that share one of them differ in a slip: a character that is wrong, missing, too many,
    or at its neighbour's place.
    """
    if len(word) < _SHORTEST_MISSPELT:
        return set()
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def _form(text: str) -> str:
    return _GAPS.sub(" ", text.casefold()).strip()


def _common_start(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _range_of(text: str) -> tuple[int, ...]:
    found = _RANGE.fullmatch(text)
    return tuple(sorted(map(int, found.groups()))) if found else ()


def _pairs_of(text: str) -> set[tuple[int, ...]]:
    """The pairs of numbers that a date may have been before it was one; none where it is none."""
    pieces = _PIECES.findall(_TIME.sub("", text))
    numbers = [int(piece) for piece in pieces if piece.isdecimal() and len(piece) <= 4]
    names = [_MONTHS.get(piece[:3].casefold()) for piece in pieces if not piece.isdecimal()]
    months = [name for name in names if name is not None]
    parts = [*months, *(number for number in numbers if number < 1000)]
    is_date = len(names) == len(months) == 1 or (not names and len(numbers) == 3)
    if not is_date or len(numbers) + len(months) not in (2, 3):
        return set()
    return {tuple(sorted(pair)) for pair in combinations(parts, 2)}
