"""Caption lexicons: whole words and phrases of many names, found in one pass over the text."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache

import ahocorasick

from transforms.base.errors import FairshardError

_GAP = re.compile(r"[\s\-\u2010\u2011\u2013]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u034f\u200c\u200d\u2060\ufeff"))
_MARKS_KEPT = 30
_UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


class Lexicon:
    """The terms of many columns, as one Aho-Corasick automaton (Aho and Corasick, 1975).

    `terms` gives each column's terms. Text and terms are compared after `normalised`. A term is
    found only where no word runs across either of its ends: letters, digits, '_' and combining
    marks make words. Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese)
    mark no words, so there a term is found anywhere.

    Raises FairshardError for a term that holds nothing but spaces and hyphens.
    """

    def __init__(self, terms: Mapping[int, Sequence[str]]) -> None:
        columns: dict[str, set[int]] = {}
        for column, given in terms.items():
            for term in given:
                columns.setdefault(_checked(term), set()).add(column)
        self._automaton = ahocorasick.Automaton()
        for term, found in columns.items():
            self._automaton.add_word(term, (len(term), frozenset(found)))
        self._automaton.make_automaton()
        self._empty = not columns

    def columns(self, text: str) -> set[int]:
        """The columns of which a term occurs in `text`, in time linear in its length."""
        found: set[int] = set()
        if self._empty:
            return found
        padded = f" {normalised(text)} "
        for last, (length, columns) in self._automaton.iter(padded):
            first = last - length + 1
            if (
                not columns <= found
                and not _joined(padded[first - 1], padded[first])
                and not _joined(padded[last], padded[last + 1])
            ):
                found |= columns
        return found


def normalised(text: str) -> str:
    """`text` in the form that terms are compared in.

    Compatibility forms and case are folded (as in Unicode's NFKC_Casefold), invisible characters
    dropped, and each run of white space and hyphens becomes one space. Runs of combining marks are
    cut to 30, as in Unicode's stream-safe format (UAX #15), which keeps normalising linear.
    """
    if text.isascii():
        return _GAP.sub(" ", text.lower())
    text = _long_runs_of_marks().sub(r"\1", text.translate(_INVISIBLE))
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _GAP.sub(" ", unicodedata.normalize("NFKC", folded))


def _checked(term: str) -> str:
    words = normalised(term).strip()
    if not words:
        raise FairshardError(
            f"the lexicon term {term!r} holds no word: correct it, or leave it out of the lexicon"
        )
    return words


def _joined(before: str, after: str) -> bool:
    """Whether one word runs through two neighbouring characters."""
    if _is_mark(after):
        return _is_word(before)
    return (
        _is_word(before)
        and _is_word(after)
        and not _is_unspaced(before)
        and not _is_unspaced(after)
    )


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_" or _is_mark(character)


def _is_mark(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character).startswith("M")


def _is_unspaced(character: str) -> bool:
    return not character.isascii() and any(low <= ord(character) <= high for low, high in _UNSPACED)


@cache
def _long_runs_of_marks() -> re.Pattern[str]:
    marks = "".join(
        chr(code)
        for code in range(0x300, 0x1F000)
        if unicodedata.combining(unicodedata.normalize("NFKD", chr(code))[0])
    )
    return re.compile(f"([{marks}]{{{_MARKS_KEPT}}})[{marks}]+")
