"""Metadata members: JSON objects and what is found in them."""

import json

from transforms.config.sections import Config
from transforms.proxies.mentions import texts
from transforms.recognition.candidates import Candidate, CandidateReader
from transforms.recognition.fields import parse
from transforms.shards.samples import Reject, Sample
from transforms.stages.registrations import load_registrations

load_registrations()
_CONFIG = Config.model_validate(
    {
        "input": {"shards": "x.tar", "caption_field": "a.b"},
        "attributes": {"g": {"names": {"x": {"target": 0.5, "lexicon": "x"}}}},
        "labels": {
            "l": {"field": "words", "names": ["a", "b", "c"]},
            "d": {"names": {"t": {"field": {"path": "a.b.c", "values": [1, 1.5, True, "x"]}}}},
        },
        "utility": {"field": "u", "scale": 2.5},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
)
_READER = CandidateReader(_CONFIG)


def seeds() -> list[bytes]:
    """Documents of every JSON type, and broken ones."""
    documents = (
        {"words": ["a", "b", ["c"]], "a": {"b": "a man \ud83d"}, "u": 1},
        {"words": "a", "a": [{"b": "x"}], "u": 1e308, "n": None, "t": True},
        {"a": {"b": [{"c": 1}, {"c": 1.5}, {"c": [True, "x"]}]}, "u": -0.0},
        [1, 2],
    )
    wholes = [json.dumps(document).encode() for document in documents]
    return [*wholes, b'{"u": NaN, "a": {"b": "\\udcff"}}', wholes[0].decode().encode("utf-16")]


def check(content: bytes) -> None:
    """Read a sample with the metadata `content`."""
    found = _READER.read(Sample("key", 0, 512, {"json": content}))
    assert isinstance(found, Candidate | Reject)
    if isinstance(found, Reject):
        assert "\n" not in found.error
        assert len(found.error) < 1000
    try:
        document = parse(content)
    except ValueError:
        return
    for path in ("a", "a.b", "words", ""):
        for text in texts(document, path):
            text.encode()
