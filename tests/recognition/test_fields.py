"""Metadata: JSON that is hostile or just missing things, paths, and equality of values."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.recognition.fields import FieldMatch, Fields, key_at, parse, values_at


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "not valid JSON"),
        (b'{"a": ', "not valid JSON"),
        (b'{"a": "\xff"}', "not valid JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not valid JSON"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"[1, 2]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_what_is_no_json_object_is_said_so(content: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        parse(content)


DOCUMENT = {
    "color": "red",
    "size": {"width": 3, "unit": None},
    "objects": [
        {"name": "cat", "tags": ["pet", "small"]},
        {"name": "dog"},
        "neither",
        [{"name": "fox"}],
    ],
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("color", ["red"]),
        ("size.width", [3]),
        ("size.unit", [None]),
        ("objects.name", ["cat", "dog", "fox"]),
        ("objects.tags", ["pet", "small"]),
        ("missing", []),
        ("color.of", []),
        ("size.height", []),
    ],
)
def test_paths_descend_into_objects_and_lists(path: str, values: list[Any]) -> None:
    assert list(values_at(DOCUMENT, path)) == values


@pytest.mark.parametrize(
    ("value", "wanted", "matches"),
    [
        ("cat", "cat", True),
        ("Cat", "cat", False),
        (["dog", "cat"], "cat", True),
        (1, 1, True),
        (1.0, 1, True),
        (1, True, False),
        (True, 1, False),
        (True, True, True),
        ("1", 1, False),
        ("true", True, False),
        (None, "None", False),
        ({"cat": 1}, "cat", False),
        ([], "cat", False),
    ],
)
def test_values_are_equal_in_type_as_well(value: Any, wanted: Any, matches: bool) -> None:
    fields = Fields({7: FieldMatch(path="x", values=(wanted,))})
    assert fields.columns({"x": value}) == ({7} if matches else set())


def test_columns_share_paths_and_values() -> None:
    fields = Fields(
        {
            0: FieldMatch(path="objects.name", values=("cat", "lynx")),
            1: FieldMatch(path="objects.name", values=("dog",)),
            2: FieldMatch(path="objects.name", values=("cat",)),
            3: FieldMatch(path="color", values=("blue",)),
        }
    )
    assert fields.columns(DOCUMENT) == {0, 1, 2}
    assert fields.columns({}) == set()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("ab") | st.just(1.5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=12,
)


@given(json_values, st.lists(st.sampled_from("ab"), min_size=1, max_size=3))
def test_values_are_the_leaves_that_plain_recursion_finds(value: Any, steps: list[str]) -> None:
    def found(inner: Any, remaining: list[str]) -> list[Any]:
        if isinstance(inner, list):
            return [leaf for item in inner for leaf in found(item, remaining)]
        if not remaining:
            return [inner]
        if not isinstance(inner, dict) or remaining[0] not in inner:
            return []
        return found(inner[remaining[0]], remaining[1:])

    document = parse(json.dumps({"a": value}).encode())
    assert list(values_at(document, ".".join(["a", *steps]))) == found(value, steps)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ("007", "007"),
        (7, "7"),
        (7.0, "7"),
        (0.5, "0.5"),
        (True, "true"),
        (12345678901234567890, "12345678901234567890"),
        ("", None),
        (None, None),
        (["a", "b"], None),
        (["a"], "a"),
        ({"a": 1}, None),
        (float("inf"), None),
        ("\ud800", "?"),
    ],
)
def test_keys_are_compared_as_text(value: object, key: str | None) -> None:
    assert key_at({"uid": value}, "uid") == key
