"""`lexicon`: words and phrases in a caption."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    TypeAdapter,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from transforms.config.forms import Section, Words
from transforms.config.groups import Group
from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.caption_words import TermMatching, observe_words
from transforms.recognition.folding import normalised
from transforms.recognition.kinds import CaptionRecogniser
from transforms.recognition.lexicon import Lexicon
from transforms.recognition.stemming import languages, stems_in

_WORDS: TypeAdapter[tuple[str, ...]] = TypeAdapter(Words)
Match = Literal["word", "stem", "substring"]


class WordMatch(Section):
    """Words and phrases, and whether whole words, words of one stem or parts of words are meant.

    `language` is that of the stems.
    """

    words: Words = Field(min_length=1)
    match: Match = "word"
    language: Annotated[str, AfterValidator(str.lower)] | None = None

    @model_validator(mode="after")
    def _a_language_for_stems(self) -> Self:
        if self.match != "stem":
            if self.language is not None:
                raise ValueError(f"language is for match: stem alone, not for match: {self.match}")
        elif self.language not in languages():
            given = "" if self.language is None else f", not {self.language!r}"
            raise ValueError(
                f"match: stem needs a language, one of {', '.join(languages())}{given}"
            )
        return self


def _plain_words(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """A list of words, or WordMatch: whole words are a list, however they are given."""
    if not isinstance(value, Mapping | WordMatch):
        return _WORDS.validate_python(value)
    terms = WordMatch.model_validate(value)
    return terms.words if terms.match == "word" else terms


Form = Annotated[Words | WordMatch, WrapValidator(_plain_words)]


def _match_of(given: tuple[str, ...] | WordMatch) -> WordMatch:
    return given if isinstance(given, WordMatch) else WordMatch(words=given)


def _check(given: Mapping[str, tuple[str, ...] | WordMatch], group: Group) -> None:
    """Words of two names are not to have one stem: no caption could tell the names apart."""
    seen: dict[tuple[str, str], tuple[str, str]] = {}
    for name, settings in given.items():
        terms = _match_of(settings)
        if terms.language is None:
            continue
        for word in terms.words:
            stem = stems_in(terms.language)(word)
            other, as_written = seen.setdefault((terms.language, stem), (name, word))
            if other != name and normalised(as_written) != normalised(word):
                raise ValueError(
                    f"{as_written!r} of {other} and {word!r} of {name} have one stem in "
                    f"{terms.language}: list the forms of either, with match: word"
                )


def _build(given: Mapping[int, tuple[str, ...] | WordMatch]) -> Callable[[str], set[int]]:
    """A lexicon for each way to match, all asked of a caption."""
    ways: dict[tuple[Match, str | None], dict[int, tuple[str, ...]]] = {}
    for column, settings in given.items():
        terms = _match_of(settings)
        ways.setdefault((terms.match, terms.language), {})[column] = terms.words
    lexicons = [
        Lexicon(words, stems_in(language) if language else normalised, match == "substring")
        for (match, language), words in ways.items()
    ]
    if len(lexicons) == 1:
        return lexicons[0].columns
    return lambda caption: set().union(*(lexicon.columns(caption) for lexicon in lexicons))


def _words_of(given: tuple[str, ...] | WordMatch) -> Iterable[str]:
    return _match_of(given).words


MATCHING: TermMatching[tuple[str, ...] | WordMatch] = TermMatching(
    terms=_words_of,
    alone=lambda given, word: _match_of(given).model_copy(update={"words": (word,)}),
    build=_build,
)

RECOGNISERS.register(
    CaptionRecogniser(
        name="lexicon",
        about="words and phrases in the caption, in any case: whole, by their stems, or in words",
        form=Form,
        unset=(),
        version=2,
        check=_check,
        original=True,
        terms=_words_of,
        marks=lambda given: map(normalised, _words_of(given)),
        observe=partial(observe_words, matching=MATCHING),
        build=lambda given, config: MATCHING.build(given),
    )
)
