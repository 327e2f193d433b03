"""Captions as a model reads them: always its context length, whatever the text."""

from jobs.begin.demo.corpus import MODEL
from tests.fuzzing import captions
from transforms.config.sections import Model
from transforms.recognition.clip import Clip

_CLIP = Clip(Model(name=f"local-dir:{MODEL}", device="cpu"))
_LENGTH = _CLIP.tokens("").shape

seeds = captions.seeds


def check(content: bytes) -> None:
    """Make tokens of the caption `content`."""
    assert _CLIP.tokens(content.decode("utf-8", "replace")).shape == _LENGTH
