"""An entry is written into a section of a YAML text, all else of which stays, byte for byte."""

import json
from importlib.resources import files
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.yaml_insertion import with_entry
from transforms.config.yaml_text import values_in

ENTRY: dict[str, Any] = {"names": {"nurse": {"lexicon": ["nurse"]}, "no": {"lexicon": ["12:30"]}}}
BLOCK = """  more:
    names:
      nurse:
        lexicon: [nurse]
      'no':
        lexicon: ['12:30']
"""
FLOW = '"more": {"names": {"nurse": {"lexicon": ["nurse"]}, "no": {"lexicon": ["12:30"]}}}'


def added(text: str) -> str:
    return with_entry(text, "labels", "more", ENTRY, "c.yaml")


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("a: 1\n", f"a: 1\nlabels:\n{BLOCK}"),
        ("a: 1  # one", f"a: 1  # one\nlabels:\n{BLOCK}"),
        ("a: 1\n# the end\n", f"a: 1\n# the end\nlabels:\n{BLOCK}"),
        ("---\na: 1\n...\n", f"---\na: 1\nlabels:\n{BLOCK}...\n"),
        (
            "labels:  # mine\n  b: 1  # one\n    # of b\n\n  # c: 2\n\nd: 3\n",
            f"labels:  # mine\n  b: 1  # one\n    # of b\n{BLOCK}\n  # c: 2\n\nd: 3\n",
        ),
        ("labels:\n  b: |\n    text\nd: 3\n", f"labels:\n  b: |\n    text\n{BLOCK}d: 3\n"),
        ("labels:  # none yet\nd: 3\n", f"labels:  # none yet\n{BLOCK}d: 3\n"),
        ("labels:\n  # b: 1\n\nd: 3\n", f"labels:\n  # b: 1\n{BLOCK}\nd: 3\n"),
        ("labels: null\nd: 3\n", f"labels: \n{BLOCK}d: 3\n"),
        ("labels: &here\n  b: 1\n", f"labels: &here\n  b: 1\n{BLOCK}"),
        ("x: &x\n  b: 1\nlabels:\n  <<: *x\n", f"x: &x\n  b: 1\nlabels:\n  <<: *x\n{BLOCK}"),
        ("labels: {}  # none\n", f"labels: {{{FLOW}}}  # none\n"),
        ("labels: {b: 1}\n", f"labels: {{b: 1, {FLOW}}}\n"),
        ("labels: {b: 1, }\n", f"labels: {{b: 1, {FLOW}, }}\n"),
        ("labels: {\n  b: 1  # one\n}\n", f"labels: {{\n  b: 1,  # one\n  {FLOW}\n}}\n"),
        ("labels: {\n  b: 1,\n}\n", f"labels: {{\n  b: 1,\n  {FLOW}\n}}\n"),
        ('{"a": 1}', f'{{"a": 1, "labels": {{{FLOW}}}}}'),
        (
            '{\n  "labels": {\n    "b": 1\n  }\n}',
            f'{{\n  "labels": {{\n    "b": 1,\n    {FLOW}\n  }}\n}}',
        ),
        (
            '{\n\t"labels": {\n\t\t"b": "\\t"\n\t}\n}',
            f'{{\n\t"labels": {{\n\t\t"b": "\\t",\n  {FLOW}\n\t}}\n}}',
        ),
        ("\ufefflabels:\n  b: 1\n", f"\ufefflabels:\n  b: 1\n{BLOCK}"),
    ],
)
def test_it_is_written_in_the_style_that_is_there(text: str, new: str) -> None:
    assert added(text) == new
    if "\n" in text:
        assert added(text.replace("\n", "\r\n")) == new.replace("\n", "\r\n")


def test_the_indentation_is_that_of_the_section() -> None:
    text = "labels:\n    b:\n        names: 1\n"
    assert added(text).startswith(f"{text}    more:\n        names:\n            nurse:\n")


@pytest.mark.parametrize(
    "text",
    [
        "x: &x {b: 1}\nlabels: *x\n",
        "labels: &x\n  b: 1\ny: *x\n",
        "labels: ''\n",
        "labels: [b]\n",
    ],
)
def test_where_it_cannot_be_written_so_it_is_not(text: str) -> None:
    with pytest.raises(ConfigError, match=r"c\.yaml is left as it was: nothing can be added to `l"):
        added(text)


@pytest.mark.parametrize("name", ["example.yaml", "demo.yaml"])
def test_the_templates_keep_every_line(name: str) -> None:
    text = (files("jobs.begin.templates") / name).read_text()
    assert added(text).replace(BLOCK, "", 1) == text
    assert set(parse_config(added(text), name).labels["more"].names) == {"nurse", "no"}


texts = st.sampled_from(["a", "a b", "NO", "#", "x: y", "1\n2", "é", "", "'"])
values = st.recursive(
    texts | st.integers(-9, 9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["k", "l m", "n#", "é"]), inner, max_size=3)
    ),
    max_leaves=12,
)
labels = st.none() | st.dictionaries(st.sampled_from(["b", "c d", "e"]), values, max_size=3)


@given(
    st.dictionaries(st.sampled_from(["a", "z", "y"]), values, max_size=3),
    labels,
    st.sampled_from([None, True, False]),
    st.integers(2, 6),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_what_is_held_is_what_was_and_the_entry(
    others: dict[str, Any],
    held: dict[str, Any] | None,
    flow: bool | None,
    indent: int,
    newline: str,
    as_json: bool,
) -> None:
    given_values = {**others, "labels": held} if held is not None else others
    text = yaml.safe_dump(given_values, default_flow_style=flow, indent=indent, allow_unicode=True)
    if as_json:
        text = json.dumps(given_values, indent=indent if flow else None)
    text = text.replace("\n", newline)
    new = added(text)
    wanted = {**given_values, "labels": {**(held or {}), "more": ENTRY}}
    assert values_in(new, "c.yaml") == wanted
    assert not as_json or json.loads(new) == wanted
    rest = iter(new)
    assert all(character in rest for character in text)
