"""What captions hold of a lexicon's terms, and near them: terms unseen, other forms, slips."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from transforms.config.observations import Observation
from transforms.recognition.lexicon import Lexicon, normalised
from transforms.recognition.likeness import inflected, misspelt

_MOST_ROWS = 15
_MOST_ADVICE = 3
_MOST_CHARACTERS = 10_000
_LONGEST_TERM = 4
_WORD = re.compile(r"\w+")

Terms = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _NearMiss:
    """Words in so many captions that no term finds, and the term of a name that they are near."""

    words: str
    captions: int
    term: str
    name: str


def observe_words(terms: Terms, captions: Sequence[str]) -> Iterator[Observation]:
    """Terms that no caption holds, and words of captions that are near a term, of names' terms."""
    given = [(name, term) for name, of_name in terms.items() for term in of_name]
    seen = _seen([term for _, term in given], captions)
    near = _near_misses(given, captions)
    unseen = [pair for pair in given if not seen[pair[1]]]
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
            tuple(_advice(miss) for miss in near if not seen[miss.term])[:_MOST_ADVICE],
        )


def _advice(miss: _NearMiss) -> str:
    hold = "1 holds" if miss.captions == 1 else f"{miss.captions:,} hold"
    return (
        f'no caption holds "{miss.term}", of {miss.name}, and {hold} "{miss.words}": '
        "add it to the lexicon where it is meant"
    )


def _cut(rows: int) -> str:
    return f" (the first {_MOST_ROWS} of {rows:,})" if rows > _MOST_ROWS else ""


def _seen(terms: Sequence[str], captions: Sequence[str]) -> Counter[str]:
    """In how many captions each term is found."""
    distinct = list(dict.fromkeys(terms))
    lexicon = Lexicon({number: (term,) for number, term in enumerate(distinct)})
    return Counter(distinct[number] for caption in captions for number in lexicon.columns(caption))


def _near_misses(given: Sequence[tuple[str, str]], captions: Sequence[str]) -> list[_NearMiss]:
    """Words of captions that are near a term and not found, the most frequent first."""
    names = list(dict.fromkeys(name for name, _ in given))
    lexicon = Lexicon(
        {number: [term for of, term in given if of == name] for number, name in enumerate(names)}
    )
    by_start: dict[tuple[int, str], list[tuple[str, str, str]]] = defaultdict(list)
    for name, term in given:
        form = normalised(term).strip()
        by_start[len(form.split()), form[:1]].append((form, term, name))
    lengths = {length for length, _ in by_start if length <= _LONGEST_TERM}
    misses = []
    for words, count in _phrases(captions, lengths).items():
        found = {names[number] for number in lexicon.columns(words)}
        length = words.count(" ") + 1
        if found and length == 1:
            continue
        for form, term, name in by_start.get((length, words[:1]), ()):
            if name not in found and _is_near(words, form):
                misses.append(_NearMiss(words, count, term, name))
                found.add(name)
    return sorted(misses, key=lambda miss: (-miss.captions, miss.words, miss.name))


def _phrases(captions: Sequence[str], lengths: set[int]) -> Counter[str]:
    """In how many captions there are each run of so many words."""
    found: Counter[str] = Counter()
    for caption in captions:
        words = _WORD.findall(normalised(caption[:_MOST_CHARACTERS]))
        found.update(
            {
                " ".join(words[start : start + length])
                for length in lengths
                for start in range(len(words) - length + 1)
            }
        )
    return found


def _is_near(words: str, form: str) -> bool:
    """Whether a phrase is a term but for the ending, or a slip, of one of its words."""
    pairs = [pair for pair in zip(words.split(), form.split(), strict=True) if pair[0] != pair[1]]
    return len(pairs) == 1 and (inflected(*pairs[0]) or misspelt(*pairs[0]))
