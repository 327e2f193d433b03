"""What YAML would read otherwise than it is written is told: keys given twice, words, numbers."""

import json
import re
from typing import Any

import pytest
import yaml

from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.yaml_text import values_in

CONFIG = """input: {shards: a.tar}
attributes:
  g:
    names:
      w: {target: 0.5, lexicon: w}
labels:
  l: {names: {x: {lexicon: [x]}}}
balance: {eta: 0.5}
output: {url: out}
"""


def said(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            CONFIG + "labels:\n  more: {names: {y: {lexicon: [y]}}}\n",
            "c.yaml: `labels` is given twice, in lines 6 and 10; join them",
        ),
        (
            CONFIG + "seed: 1\nseed: 1\n'seed': 2\n",
            "c.yaml: `seed` is given 3 times, in lines 10, 11 and 12; keep one",
        ),
        (
            CONFIG.replace("[x]}}", "[x]},\n    x: {lexicon: [y]}}"),
            "c.yaml: `labels.l.names.x` is given twice, in lines 7 and 8; join them",
        ),
        (
            CONFIG.replace("w: {target: 0.5,", "w: {target: 0.5, target: 0.4,"),
            "c.yaml: `attributes.g.names.w.target` is given twice, in line 5; keep one",
        ),
        (
            CONFIG.replace("eta: 0.5", "eta: 0.5, overrides: [{labels: x,\n labels: y}]"),
            "c.yaml: `balance.overrides.labels` is given twice, in lines 8 and 9; keep one",
        ),
        (
            CONFIG.replace("{lexicon: [x]}", "&x {lexicon: [x]}, y: {<<: *x, <<: *x}"),
            "c.yaml: `labels.l.names.y.<<` is given twice, in line 7; join them, as in "
            "<<: [*one, *other]",
        ),
        (
            '{"seed": 1,\n "seed": 2}',
            "c.yaml: `seed` is given twice, in lines 1 and 2; keep one",
        ),
    ],
)
def test_a_key_given_twice_is_an_error_with_its_lines(text: str, sentence: str) -> None:
    assert said(text) == sentence


def test_keys_that_are_merged_may_be_given_again() -> None:
    names = "names: {x: &x {lexicon: [x], prompts: [a]}, y: {<<: *x, lexicon: [y]}, z: {<<: [*x]}}"
    text = CONFIG.replace("names: {x: {lexicon: [x]}}", names) + "model: {name: m}\n"
    found = parse_config(text, "c.yaml").labels["l"].names
    assert {name: spec.lexicon for name, spec in found.items()} == {
        "x": ("x",),
        "y": ("y",),
        "z": ("x",),
    }
    assert found["y"].prompts == ("a",)


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("NO", 'NO is read as false: write "NO" for the text, false for the truth value'),
        ("Yes", 'Yes is read as true: write "Yes" for the text, true for the truth value'),
        ("12:30", '12:30 is read as the number 750: write "12:30" for the text, 750 for the num'),
        ("1:30.5", '1:30.5 is read as the number 90.5: write "1:30.5" for the text'),
        ("010", '010 is read as the number 8: write "010" for the text, 8 for the number'),
        ("1_000", '1_000 is read as the number 1000: write "1_000" for the text, 1000 for'),
        ("0x1F", '0x1F is read as the number 31: write "0x1F" for the text'),
        ("2001-02-03", '2001-02-03 is read as a date: write "2001-02-03" for the text'),
        ("=", '= is read as a sign of YAML\'s own: write "=" for the text'),
        ("~", '~ is read as nothing: write "~" for the text'),
        ("null", 'null is read as nothing: write "null" for the text'),
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        "x: {lexicon: [x, %s]}",
        "x: {field: {path: f, values: [a, %s]}}",
        "x: {field: {path: f,\n      values: [a,\n      %s]}}",
        "x: {field: &here {path: f, values: [a, %s]}}, y: {field: *here}",
    ],
)
def test_a_word_that_yaml_takes_for_something_else_is_an_error(
    place: str, written: str, sentence: str
) -> None:
    text = CONFIG.replace("x: {lexicon: [x]}", place % written)
    line = text.count("\n", 0, text.index(written)) + 1
    assert said(text).startswith(f"c.yaml, line {line}: {sentence}")
    quoted = text.replace(written, f"'{written}'")
    assert parse_config(quoted, "c.yaml")


def test_an_empty_entry_is_an_error() -> None:
    names = "\n    names:\n    - x\n    -\n    field: f"
    text = CONFIG.replace("{names: {x: {lexicon: [x]}}}", names)
    assert said(text) == (
        "c.yaml, line 10: an entry of labels.l.names is empty: fill it in, or take it out"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed: 010", "c.yaml, line 10: 010 is read as the number 8"),
        ("seed: 1:30", "c.yaml, line 10: 1:30 is read as the number 90"),
        ("calibration: 2020-01-01", "c.yaml, line 10: 2020-01-01 is read as a date"),
    ],
)
def test_a_number_that_is_not_what_it_looks_like_is_an_error_anywhere(
    text: str, sentence: str
) -> None:
    assert said(CONFIG + text).startswith(sentence)


def test_a_secret_is_not_shown() -> None:
    text = CONFIG.replace("a.tar", "a.tar, storage_options: {key: 0123456}")
    assert said(text) == (
        "c.yaml, line 1: the value of input.storage_options.key is not read as it is written: put "
        "it in quotes"
    )


def test_switches_and_numbers_are_what_they_were() -> None:
    text = CONFIG + (
        "similarity: yes\nmodel: {name: m}\nseed: 007\ngates: {enabled: off}\n"
        "utility: {scale: .5}\n"
    )
    text = text.replace("a.tar", "a.tar, limits: {max_pixels: 100_000_000}")
    text = text.replace("lexicon: [x]", "field: {path: f, values: [true, 1, -2.5, x]}")
    config = parse_config(text, "c.yaml")
    assert (config.similarity, config.gates.enabled, config.seed) == (True, False, 7)
    assert (config.utility.scale, config.input.limits.max_pixels) == (0.5, 100_000_000)
    assert values_in("labels: [[0, null]]", "c.yaml") == {"labels": [[0, None]]}
    assert config.labels["l"].names["x"].field.values == (True, 1, -2.5, "x")


@pytest.mark.parametrize("text", ["{%s}", "a: {%s}", "- {%s}", "- - %s"])
def test_json_has_each_key_once_too(text: str) -> None:
    with pytest.raises(ConfigError, match="k` is given twice, in line 1"):
        values_in(text.replace("%s", '"k": 1, "k": 2') if "{" in text else '[[{"k":1,"k":2}]]', "j")


def test_json_may_be_indented_with_tabs() -> None:
    values = {"a": {"b": ["c\td"]}}
    assert values_in(json.dumps(values, indent="\t"), "c.json") == values
    with pytest.raises(ConfigError, match=r"line 2, column 1: .* cannot start any token"):
        values_in("a:\n\tb: 1", "c.yaml")


def test_what_is_dumped_is_read_as_it_was() -> None:
    values: dict[str, Any] = {"attributes": {"no": ["NO", "12:30", "010", "2001-02-03", "=", "~"]}}
    for written in (json.dumps(values), yaml.safe_dump(values), yaml.safe_dump(values, indent=4)):
        assert values_in(written, "c.yaml") == values
    assert re.search("'?NO'?", yaml.safe_dump(values))
