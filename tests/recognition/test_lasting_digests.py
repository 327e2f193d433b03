"""Outputs that were written before still open: what they keep of a configuration stays the same."""

import json

import pytest
import xxhash

from transforms.config.files import parse_config
from transforms.plan.fingerprint import unlabelled
from transforms.plan.make import shown_config
from transforms.recognition.settings import settings_by_key, settings_digest

_APART = {"output", "engine"}
REST = "input: {shards: a.tar}\nbalance: {V: 100.0, eta: 0.5}\noutput: {url: out}\n"
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
balance: {V: 100.0, eta: auto, overrides: [{attributes: gender, max_association_bias: 0.5}]}
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
                "dump": "37f3921a7f0d17563c255fc8b480cdf7",
                "json": "85faff466a8210081cf7f4c9e733b3c6",
                "text": "f8280bb02c54131a620295a8e923e0bd",
                "settings": "c434aad29d6555d616dfc065c28c4b58",
                "by_key": "a0bdf5e6ad39d27244cd1aa53c7ecef7",
                "fingerprint": "1f16389dd1db857b2db948076c1e5c5c",
                "shown": "c2a27f5af9835b6b218a5373d24ad8ca",
            },
        ),
        (
            LISTED,
            {
                "dump": "41b9c6ea5e5ffbcfca73be4e7b460e7c",
                "json": "d309e1e822d3c86db767a6a4e6bd49a7",
                "text": "1ace48897ad03915f0f803ec3b441730",
                "settings": "593fa98ab951d26991b70cafadf8b910",
                "by_key": "d38091f0ce8cce3e11cf9ed651d1c36e",
                "fingerprint": "bad272718098fcb558af0a86b1befbe7",
                "shown": "2b86aa6239a9f34d2550f690bf0c6972",
            },
        ),
        (
            FULL,
            {
                "dump": "957141592714a1ee1667ba762f335b30",
                "json": "1fb5c2803dec9866d306ad74c18c8a9c",
                "text": "c7f88b3f199a05b20819c8234629d150",
                "settings": "d188cb53e1439db421aca9494a787eb6",
                "by_key": "13765a9f88c170dd21a740ffe4bc1f8c",
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
        "dump": _digest(repr(config.model_dump(exclude=_APART))),
        "json": _digest(json.dumps(config.model_dump(mode="json", exclude=_APART))),
        "text": _digest(config.model_dump_json(round_trip=True, exclude=_APART)),
        "settings": settings_digest(config),
        "by_key": _digest(json.dumps(settings_by_key(config))),
        "fingerprint": _digest(json.dumps(unlabelled(config, ()))),
        "shown": _digest(json.dumps(shown_config(config))),
    } == digests


def test_kinds_of_images_change_digests_only_where_an_extension_asks_for_them() -> None:
    def digest(image: str, recognised: str) -> str:
        text = (
            "model: {name: ViT-B-32, pretrained: laion2b}\n"
            f"input: {{shards: a.tar, members: {{image: [{image}]}}}}\n"
            "attributes: {g: {zero_shot: {none_of_these: [a]}, "
            f"names: {{w: {{target: 0.5, {recognised}}}}}}}}}\n"
            "balance: {V: 100.0, eta: 0.5}\noutput: {url: out}\n"
        )
        return settings_digest(parse_config(text, "c.yaml"))

    assert digest("jpg, tga", "prompts: w") == "29a6572c6a50b4c17b0d2cf7c99f38da"
    before = "1e137b2a3639a7989bbd124d148767b1"
    assert digest("jpg, gif", "prompts: w") != before
    assert digest("jpg, gif", "lexicon: w") == digest("jpg", "lexicon: w")
