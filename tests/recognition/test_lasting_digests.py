"""Outputs that were written before still open: what they keep of a configuration stays the same."""

import json

import pytest
import xxhash

from transforms.config.files import parse_config
from transforms.plan.fingerprint import unlabelled
from transforms.plan.make import shown_config
from transforms.recognition.settings import settings_by_key, settings_digest

REST = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}\n"
SMALL = f"{REST}attributes: {{g: {{names: {{w: {{target: 0.5, lexicon: w}}}}}}}}\n"
LISTED = (
    f"{REST}attributes: {{g: {{field: who, names: "
    "{w: {target: 0.5}, v: {target: 0.2, lexicon: []}}}}\n"
    "labels: {l: {field: x, names: [a, b]}}\n"
)
FULL = """
model: {name: ViT-B-32, pretrained: laion2b}
input: {shards: "s3://key:secret@bucket/{0..9}.tar?x=y", caption_field: text.en}
attributes:
  gender:
    share_of: group
    combine: apart
    field: people.sex
    zero_shot: {none_of_these: [an object], templates: ["{}", "a photo of {}"], threshold: 0.6}
    names:
      woman: {target: 0.5, lexicon: [woman, she], prompts: [a woman], field: {path: sex, values: [f, 1, true, 1.5]}}
      man: {target: 0.5, prompts: a man}
  age:
    names:
      old: {target: 0.2, lexicon: old}
      "very old": {target: 0.1, prompts: [the elderly, grandpa]}
      young: {target: 0.3, field: {path: age, values: 3}, prompts: [a child]}
labels:
  object: {field: objects, names: [dog, hot dog]}
  job: {combine: apart, names: {nurse: {lexicon: [nurse, "\\U0001F469"], field: {path: job, values: nurse}}}}
balance: {eta: auto, overrides: [{attributes: gender, max_association_bias: 0.5}]}
utility: {score: similarity, scale: 2}
output: {url: out}
"""  # noqa: E501


def _digest(value: str) -> str:
    return xxhash.xxh3_128_hexdigest(value.encode())


@pytest.mark.parametrize(
    ("text", "digests"),
    [
        (
            SMALL,
            {
                "dump": "9169d5cb788e8b3b741d3b95c2fa05bf",
                "json": "03ff2b1966c1dd91e3cda1c838b043fe",
                "text": "a8dc2454edb9f867ba92a976b944f1ac",
                "settings": "4362596d05cd2ee3bb5033ac4837ccd1",
                "by_key": "2a454ffb2b7c4fa669a5c92b1f6f76bc",
                "fingerprint": "1f16389dd1db857b2db948076c1e5c5c",
                "shown": "c2a27f5af9835b6b218a5373d24ad8ca",
            },
        ),
        (
            LISTED,
            {
                "dump": "9bf2b535c7b1ac117cfa1ff2a4c4d244",
                "json": "f706c7a5262c8daa22a2242a0dac4427",
                "text": "1d942612053779fb8fdcc8e2ce5383f7",
                "settings": "593fa98ab951d26991b70cafadf8b910",
                "by_key": "d38091f0ce8cce3e11cf9ed651d1c36e",
                "fingerprint": "bad272718098fcb558af0a86b1befbe7",
                "shown": "2b86aa6239a9f34d2550f690bf0c6972",
            },
        ),
        (
            FULL,
            {
                "dump": "e48dac1c9cd1848bc9b1f88ec3e83378",
                "json": "72bca6736ac541ab1e118f3e52b2e088",
                "text": "f13f8a2a602ebc7f6cb480e339f2e5c2",
                "settings": "f909c0bc698f671c964d74c13d149e18",
                "by_key": "0946d0b196fc04a4382fe9a9bf38a791",
                "fingerprint": "f96557d16e0770fd5391a3446a225d8e",
                "shown": "95827097b8d84066b81477877a93caca",
            },
        ),
    ],
    ids=["small", "listed", "full"],
)
def test_they_stay_what_they_were(text: str, digests: dict[str, str]) -> None:
    config = parse_config(text, "c.yaml")
    assert {
        "dump": _digest(repr(config.model_dump())),
        "json": _digest(json.dumps(config.model_dump(mode="json"))),
        "text": _digest(config.model_dump_json(round_trip=True)),
        "settings": settings_digest(config),
        "by_key": _digest(json.dumps(settings_by_key(config))),
        "fingerprint": _digest(json.dumps(unlabelled(config, ()))),
        "shown": _digest(json.dumps(shown_config(config))),
    } == digests
