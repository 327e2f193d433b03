"""Tokens: those of open_clip's own tokenizers, whatever the text, and how often it comes."""

from collections.abc import Iterator
from random import Random
from typing import Any

import open_clip
import pytest
import torch

from transforms.recognition import tokeniser
from transforms.recognition.tokeniser import Tokeniser

NAME = "ViT-B-32"
PLAIN = [chr(code) for code in range(32, 127)] + ["'s", "'LL", " ", " ", " ", " "]
ODD = [*PLAIN, *"éñ’“–\u00a0\u3000漢かİßΣ\x1b\x07\x7f\u2028ﬁＡ🦊", "Ã©", "â€™", "&amp;", "&lt;"]
ODD += ["<start_of_text>", "<END_OF_TEXT>", "\n", "\t"]


@pytest.fixture(scope="module")
def clips() -> Any:
    return open_clip.get_tokenizer(NAME)


@pytest.fixture
def ours() -> Tokeniser:
    return Tokeniser(open_clip.get_tokenizer(NAME))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a fox holding a hammer",
        "  Ｗide \n  and   Café &amp; l'été 🦊🦊",
        "fox " * 500,
        "R&B, AT&T and &copy",
        "it's They'LL <start_of_text> of <END_OF_TEXT>",
        "\x1b[31mred\x1b[0m \x07 bell",
    ],
)
def test_tokens_are_those_of_open_clips_tokenizer(ours: Tokeniser, clips: Any, text: str) -> None:
    for _ in range(2):
        assert ours.tokens(text).tolist() == clips([text])[0].tolist()


def _texts(count: int) -> Iterator[str]:
    random = Random(1)
    for number in range(count):
        characters = ODD if number % 2 else PLAIN
        yield "".join(random.choices(characters, k=random.choice((3, 10, 60, 200))))


def test_texts_of_any_characters_have_open_clips_tokens(ours: Tokeniser, clips: Any) -> None:
    for text in _texts(600):
        cut = " ".join(text.split())
        assert ours.tokens(text).tolist() == clips([cut])[0].tolist(), repr(text)


def test_another_tokenizer_is_asked_itself() -> None:
    class Tokenizer:
        context_length = 3

        def __call__(self, texts: list[str]) -> torch.Tensor:
            return torch.tensor([[len(texts[0]), 0, 0]])

    assert Tokeniser(Tokenizer()).tokens(" four  words  of  text ").tolist() == [18, 0, 0]
    canonical = open_clip.SimpleTokenizer(clean="canonicalize")
    text = "The fox's hammer, again"
    assert Tokeniser(canonical).tokens(text).tolist() == canonical([text])[0].tolist()


@pytest.mark.parametrize(
    "text",
    ["".join(Random(1).choices("abcdefghij", k=1_000_000)), "ab " * 3_000_000, "\0" * 10_000_000],
    ids=["one word", "many words", "no word"],
)
def test_huge_captions_are_cut_before_they_are_tokenised(ours: Tokeniser, text: str) -> None:
    assert len(ours.tokens(text)) == len(ours.tokens("a fox"))
    assert max(map(len, ours._tokenizer.cache)) <= 128


def test_the_memory_of_words_is_bounded(ours: Tokeniser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokeniser, "_WORDS_KEPT", 10)
    before = ours.tokens("<start_of_text> fox").tolist()
    for word in range(100):
        ours.tokens(f"{word} abc{'xyz'[word % 3]}{'xyz'[word // 3 % 3]}{'xyz'[word // 9 % 3]}")
        assert len(ours._words) <= 10
        assert len(ours._tokenizer.cache) <= 15
    assert ours.tokens("<start_of_text> fox").tolist() == before
