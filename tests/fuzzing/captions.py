"""Captions: any text, any bytes."""

from transforms.config.sections import Config
from transforms.proxies.mentions import mentions
from transforms.recognition.candidates import Candidate, CandidateReader
from transforms.recognition.folding import normalised
from transforms.shards.samples import Reject, Sample
from transforms.stages.registrations import load_registrations

_TERMS = ("man", "women", "ice cream", "女", "ผู้หญิง", "été", "x" * 30)
load_registrations()
_CONFIG = Config.model_validate(
    {
        "input": {"shards": "x.tar"},
        "attributes": {"g": {"names": {"x": {"target": 0.5, "lexicon": _TERMS}}}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
)
_READER = CandidateReader(_CONFIG)


def seeds() -> list[bytes]:
    """Captions in several scripts, with markup, nulls, marks and invisible characters."""
    texts = (
        "a man and two women eat ice-cream",
        "<script>alert(1)</script> a man &amp; &#0; <!--",
        "a\0man\0",
        "女性とผู้หญิงและ été",
        "e\u0301" * 40 + "\u200d\u00ad man",
        "\ufdfa\u0390\u1f82ß" * 20,
        "\u0301" * 100,
        "",
    )
    return [*(text.encode() for text in texts), b"a m\xe4n \xff\xfe"]


def check(content: bytes) -> None:
    """Read a sample with the caption `content`."""
    sample = Sample("key", 0, 512, {"txt": content})
    found = _READER.read(sample)
    assert isinstance(found, Candidate | Reject)
    words = mentions(sample, _CONFIG.input, None)
    assert words is not None
    assert all(0 < len(word) <= 64 for word in words)
    assert len(normalised(content.decode("utf-8", "replace"))) <= 40 * len(content) + 40
