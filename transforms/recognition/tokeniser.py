"""Captions as the tokens that a model reads."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from open_clip.tokenizer import SimpleTokenizer, get_clean_fn

_CHARACTERS_PER_TOKEN = 64
_LONGEST_WORD = 128
_WORDS_KEPT = 1 << 18
_LONG_WORD = re.compile(rf"(\S{{{_LONGEST_WORD}}})\S+")
_ESCAPES = "&"


class Tokeniser:
    """Gives the tokens of open_clip's own `tokenizer`; one serves many threads.

    CLIP's own is asked for each word once: a caption then costs a look-up a word, four times
    faster. Texts in which it would mend nothing, plain ASCII, are only made lower case.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._length = int(tokenizer.context_length)
        self._words: dict[str, tuple[int, ...]] = {}
        self._first_words = dict(getattr(tokenizer, "cache", {}))
        self._tokens = self._of_words if _is_clips(tokenizer) else self._of_any

    def tokens(self, text: str) -> NDArray[np.int64]:
        """The tokens (context length,) of a text, cut to what the model reads.

        Cut before tokenising as well, at 64 characters a token and 128 a word: the cost of
        open_clip's tokenizer grows with the square of a word's length.
        """
        longest = _CHARACTERS_PER_TOKEN * self._length
        words = " ".join(text[: 16 * longest].split())
        return self._tokens(_LONG_WORD.sub(r"\1", words)[:longest])

    def _of_any(self, text: str) -> NDArray[np.int64]:
        tokens: NDArray[np.int64] = self._tokenizer([text])[0].numpy()
        return tokens

    def _of_words(self, text: str) -> NDArray[np.int64]:
        if text.isascii() and text.isprintable() and _ESCAPES not in text:
            cleaned = text.strip().lower()
        else:
            cleaned = self._tokenizer.clean_fn(text)
        known, found = self._words, [self._tokenizer.sot_token_id]
        for word in self._tokenizer.pat.findall(cleaned):
            found += known.get(word) or self._of_word(word)
        found = [*found[: self._length - 1], self._tokenizer.eot_token_id]
        tokens = np.zeros(self._length, np.int64)
        tokens[: len(found)] = found
        return tokens

    def _of_word(self, word: str) -> tuple[int, ...]:
        """The tokens of a word, kept for the next time; of so many words at most."""
        if len(self._words) >= _WORDS_KEPT:
            self._words = {}
            self._tokenizer.cache = dict(self._first_words)
        spelt = "".join(self._tokenizer.byte_encoder[byte] for byte in word.encode())
        pieces = self._tokenizer.bpe(spelt).split(" ")
        tokens = self._words[word] = tuple(self._tokenizer.encoder[piece] for piece in pieces)
        return tokens


def _is_clips(tokenizer: Any) -> bool:
    """Whether it is CLIP's own: lower case, and all of a caption's start."""
    return (
        type(tokenizer) is SimpleTokenizer
        and tokenizer.clean_fn is get_clean_fn("lower")
        and tokenizer.reduction_fn is None
    )
