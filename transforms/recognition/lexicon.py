"""Caption lexicons: words and phrases of many names, found in one pass over the text."""

from collections.abc import Callable, Mapping, Sequence

import ahocorasick

from transforms.base.errors import FairshardError
from transforms.recognition.folding import are_joined, normalised


class Lexicon:
    """The terms of many columns, as one Aho-Corasick automaton (Aho and Corasick, 1975).

    `terms` gives each column's terms. Text and terms are compared as `read` gives them. A term is
    found where no word runs across either of its ends; with `anywhere`, within words as well.
    Scripts written without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) mark no words, so
    there a term is found anywhere.

    Raises FairshardError for a term that holds nothing but spaces, hyphens and '_'.
    """

    def __init__(
        self,
        terms: Mapping[int, Sequence[str]],
        read: Callable[[str], str] = normalised,
        anywhere: bool = False,
    ) -> None:
        columns: dict[str, set[int]] = {}
        for column, given in terms.items():
            for term in given:
                columns.setdefault(_checked(term, read), set()).add(column)
        self._read = read
        self._anywhere = anywhere
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
        padded = f" {self._read(text)} "
        for last, (length, columns) in self._automaton.iter(padded):
            if not columns <= found and (
                self._anywhere or _is_whole(padded, last - length + 1, last)
            ):
                found |= columns
        return found


def _checked(term: str, read: Callable[[str], str]) -> str:
    words = read(term)
    if not words:
        raise FairshardError(
            f"the lexicon term {term!r} holds no word: correct it, or leave it out of the lexicon"
        )
    return words


def _is_whole(text: str, first: int, last: int) -> bool:
    """Whether no word runs across the ends of `text[first : last + 1]`."""
    return not are_joined(text[first - 1], text[first]) and not are_joined(
        text[last], text[last + 1]
    )
