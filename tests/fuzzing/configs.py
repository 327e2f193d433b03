"""Configurations: YAML that is hostile, or just of another form."""

import json
from importlib.resources import files

import yaml

from tests.fuzzing.editing import edited
from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.schema import schema_of
from transforms.recognition.settings import needs_of
from transforms.stages.registrations import load_registrations

load_registrations()

_SMALL = """
input: {shards: [a.tar, b.tar], limits: {max_pixels: 1000}}
attributes: {g: {names: {x: {target: 0.5, lexicon: &w [x, y]}, z: {target: 0.5, lexicon: *w}}}}
labels: {l: {field: words, names: [a, b]}}
model: {name: "local-dir:m"}
balance: {eta: auto, overrides: [{labels: a, max_association_bias: 0.1}]}
output: {url: out}
"""
_DERIVED = """
input: {shards: a.tar}
attributes:
  g: {names: {x: {target: 0.5, field: {path: a, at_least: 3, not: {matches: [^b]}}}}}
  h: {combine: all, names: {y: {target: 0.5, lexicon: y}, z: {target: 0.1, all_of: [g.x, y]}}}
  p: {crossed: [g, h], names: {x x y: {target: 0.2}}}
labels: {l: {names: {o: {none_of: p.x x z, any_of: [x, y]}}}}
balance: {eta: 0.5}
output: {url: out}
"""
_AS_JSON = json.dumps(yaml.safe_load(_SMALL)).encode()


def seeds() -> list[bytes]:
    """The configuration of `fairshard init`, small ones, and YAML's odd corners."""
    example = (files("jobs.begin.templates") / "example.yaml").read_bytes()
    odd = (
        "seed: 2001-99-99",
        "seed: !!int ''",
        "seed: !!bool x",
        "seed: 0x" + "f" * 4000,
        "seed: " + "9" * 5000,
        "seed: 1:2:3",
        "a: &a [*a]",
        "a: &a {b: *a}",
        "? [a]\n: b",
        "<<: {a: 1}",
        "--- a\n--- b",
        "a: !!python/object/apply:os.system [x]",
        "\x00",
    )
    return [
        example,
        _SMALL.encode(),
        _DERIVED.encode(),
        *(text.encode() for text in odd),
        b"\xef\xbb\xbf" + example,
    ]


def check(content: bytes) -> None:
    """Read `content`, and a right one that it edits; what is right can be written and read."""
    _check(content)
    _check(edited(_AS_JSON, content))


def _check(content: bytes) -> None:
    try:
        config = parse_config(content.decode("utf-8", "replace"), "config.yaml")
    except ConfigError as error:
        assert len(str(error)) < 200_000
        return
    schema_of(config)
    needs_of(config)
    again = parse_config(yaml.safe_dump(config.model_dump(mode="json", round_trip=True)), "again")
    assert again == config
