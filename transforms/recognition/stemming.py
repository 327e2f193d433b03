"""Words by their stems: Snowball's stemmers (Porter, "Snowball: a language for stemming", 2001)."""

import pkgutil
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from threading import Lock
from typing import Any

from transforms.base.errors import ConfigError
from transforms.recognition.folding import caseless, normalised, with_letters

_ENDING = "_stemmer"
_TURKISH = "turkish"
_TURKISH_CAPITALS = str.maketrans("I\u0130", "\u0131i")
_LONGEST = 64
_WORDS_KEPT = 1 << 16


@cache
def languages() -> tuple[str, ...]:
    """The languages whose words have a stemmer, in the order of the alphabet."""
    found = pkgutil.iter_modules(_snowball().__path__)
    names = (module.name.removesuffix(_ENDING) for module in found if module.name.endswith(_ENDING))
    return tuple(sorted(name for name in names if "porter" not in name))


def stems_in(language: str) -> Callable[[str], str]:
    """What makes a text its normalised text with the stem of `language` in place of each word.

    Words of more than 64 characters stay as they are.
    """
    stem = _stemmer(language)

    def read(text: str) -> str:
        if language == _TURKISH:
            text = unicodedata.normalize("NFC", text).translate(_TURKISH_CAPITALS)
        return normalised(with_letters(caseless(text), stem))

    return read


@cache
def _stemmer(language: str) -> Callable[[str], str]:
    module = import_module(f"{_snowball().__name__}.{language}{_ENDING}")
    stemmer, one_at_a_time = getattr(module, f"{language.title()}Stemmer")(), Lock()

    @lru_cache(_WORDS_KEPT)
    def stem(word: str) -> str:
        if len(word) > _LONGEST:
            return word
        with one_at_a_time:
            return str(stemmer.stemWord(word))

    return stem


def _snowball() -> Any:
    try:
        return import_module("snowballstemmer")
    except ImportError as error:
        raise ConfigError(
            "match: stem needs the package snowballstemmer, which is not installed here: install "
            "it, or match words"
        ) from error
