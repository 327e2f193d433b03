"""What captions hold of a lexicon's terms, and near them: terms unseen, other forms, slips."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, TypeVar
from unicodedata import category

from transforms.config.observations import Observation
from transforms.recognition.folding import normalised
from transforms.recognition.likeness import inflected, slips

_MOST_ROWS = 15
_MOST_ADVICE = 3
_MOST_CHARACTERS = 10_000
_MOST_WORDS = 4
_START = 2
_WORD = re.compile(r"\w+")

S = TypeVar("S")


@dataclass(frozen=True)
class TermMatching(Generic[S]):
    """How settings of some form match captions: their terms, and settings with one of these alone.

    build: what finds the numbers of settings in a caption.
    """

    terms: Callable[[S], Iterable[str]]
    alone: Callable[[S, str], S]
    build: Callable[[Mapping[int, S]], Callable[[str], AbstractSet[int]]]


@dataclass(frozen=True)
class _NearMiss:
    """Words in so many captions that no term finds, and the term of a name that they are near."""

    words: str
    captions: int
    term: str
    name: str


@dataclass(frozen=True, order=True)
class _Term:
    """A term of a name, and the form in which it is compared."""

    form: str
    text: str
    name: str

    @property
    def length(self) -> int:
        """Its number of words."""
        return self.form.count(" ") + 1


def observe_words(
    given: Mapping[str, S], captions: Sequence[str], matching: TermMatching[S]
) -> Iterator[Observation]:
    """Terms of names that no caption holds, and words of captions that are near a term."""
    terms = [(name, term) for name, of_name in given.items() for term in matching.terms(of_name)]
    alone = {n: matching.alone(given[name], term) for n, (name, term) in enumerate(terms)}
    find = matching.build(alone)
    seen = frozenset[int]().union(*map(find, captions))
    unseen = [pair for n, pair in enumerate(terms) if n not in seen]
    near = _near_misses(given, terms, captions, matching)
    if unseen:
        yield Observation(
            f"lexicon: words that no caption holds{_cut(len(unseen))}",
            tuple({"word": term, "of": name} for name, term in unseen[:_MOST_ROWS]),
        )
    if near:
        yield Observation(
            f"lexicon: words of captions near those of names, which are not found{_cut(len(near))}",
            tuple(
                {"word": miss.words, "captions": miss.captions, "near": miss.term, "of": miss.name}
                for miss in near[:_MOST_ROWS]
            ),
            tuple(_advice(miss) for miss in near if (miss.name, miss.term) in unseen)[
                :_MOST_ADVICE
            ],
        )


def _advice(miss: _NearMiss) -> str:
    hold = "1 holds" if miss.captions == 1 else f"{miss.captions:,} hold"
    return (
        f'no caption holds "{miss.term}", of {miss.name}, and {hold} "{miss.words}": '
        "add it to the lexicon where it is meant"
    )


def _cut(rows: int) -> str:
    return f" (the first {_MOST_ROWS} of {rows:,})" if rows > _MOST_ROWS else ""


def _near_misses(
    given: Mapping[str, S],
    terms: Sequence[tuple[str, str]],
    captions: Sequence[str],
    matching: TermMatching[S],
) -> list[_NearMiss]:
    """Words of captions that are near a term and not found, the most frequent first."""
    names = list(given)
    find = matching.build(dict(enumerate(given.values())))
    by_start: dict[tuple[int, str], list[_Term]] = defaultdict(list)
    by_slip: dict[str, list[_Term]] = defaultdict(list)
    for name, text in terms:
        term = _Term(normalised(text), text, name)
        by_start[term.length, term.form[:_START]].append(term)
        for slip in slips(term.form):
            by_slip[slip].append(term)
    lengths = {max(1, length + more) for length, _ in by_start for more in (-1, 0, 1)}
    misses = []
    for words, count in _phrases(captions, lengths).items():
        found = {names[number] for number in find(words)}
        length = words.count(" ") + 1
        if found and length == 1:
            continue
        inflections = (
            term
            for term in by_start.get((length, words[:_START]), ())
            if _is_inflected(words, term.form)
        )
        slipped = (term for slip in slips(words) for term in by_slip.get(slip, ()))
        for term in sorted({*inflections, *slipped}):
            if term.name not in found:
                misses.append(_NearMiss(words, count, term.text, term.name))
                found.add(term.name)
    return sorted(misses, key=lambda miss: (-miss.captions, miss.words, miss.name))


def _phrases(captions: Sequence[str], lengths: set[int]) -> Counter[str]:
    """In how many captions there are each run of so many words."""
    found: Counter[str] = Counter()
    for caption in captions:
        words = _words_in(normalised(caption[:_MOST_CHARACTERS]))
        found.update(
            {
                " ".join(words[start : start + length])
                for length in lengths
                if length <= _MOST_WORDS
                for start in range(len(words) - length + 1)
            }
        )
    return found


def _words_in(text: str) -> list[str]:
    """The runs of letters, digits, '_' and combining marks."""
    if text.isascii():
        return _WORD.findall(text)
    return "".join(one if _in_word(one) else " " for one in text).split()


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or category(character).startswith("M")


def _is_inflected(words: str, form: str) -> bool:
    """Whether a phrase is a term but for the ending of one of its words."""
    pairs = [pair for pair in zip(words.split(), form.split(), strict=True) if pair[0] != pair[1]]
    return len(pairs) == 1 and inflected(*pairs[0])
