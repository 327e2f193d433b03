"""Conditions: what holds of one sample's values and of an Arrow column's, and what is refused."""

import json
import math
import time
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.base.errors import ConfigError
from transforms.config.conditions import Condition
from transforms.config.files import parse_config
from transforms.recognition.conditions import Predicate
from transforms.recognition.fields import FieldMatch, Fields, parse
from transforms.recognition.settings import settings_digest

HOLDING = [
    ({"at_least": 0.7}, 0.7, True),
    ({"above": 0.7}, 0.7, False),
    ({"at_most": 3}, 3, True),
    ({"below": 3}, 3, False),
    ({"at_least": 1, "below": 2}, [0, 5], False),
    ({"at_least": 1, "below": 2}, [0, 1.5], True),
    ({"at_least": 0.8}, "0.83", True),
    ({"at_least": 0.8}, " +8.3E-1\n", True),
    ({"at_least": 0.8}, ["none", "0.83"], True),
    ({"at_least": 0}, "0,83", False),
    ({"at_least": 0}, "1_000", False),
    ({"at_least": 0}, "٣", False),
    ({"at_least": 0}, "inf", False),
    ({"at_least": 0}, "1e999", True),
    ({"at_least": 0}, 10**400, True),
    ({"at_most": 0}, -(10**400), True),
    ({"at_least": 0}, math.inf, True),
    ({"at_least": 0}, math.nan, False),
    ({"below": 5}, math.nan, False),
    ({"at_least": 0}, True, False),
    ({"at_least": 0}, None, False),
    ({"at_least": 0}, {"at": 5}, False),
    ({"matches": "at"}, "cats", True),
    ({"matches": "^at"}, "cats", False),
    ({"matches": "(?i)^CATS$"}, "cats", True),
    ({"matches": ["dog", "c.t"]}, "cat", True),
    ({"matches": "19"}, 1984, False),
    ({"matches": "é$"}, "\ud800é", True),
    ({"matches": "^a.b$"}, "a\ud800b", True),
    ({"present": True}, 0, True),
    ({"present": True}, "", True),
    ({"present": True}, {}, True),
    ({"present": True}, None, False),
    ({"present": True}, math.nan, False),
    ({"present": True}, [], False),
    ({"present": True}, [None, 1], True),
    ({"present": False}, [None], True),
    ({"present": False}, "x", False),
    ({"values": ["a", 1]}, 1.0, True),
    ({"values": 1}, "1", False),
    ({"not": {"values": "cat"}}, ["dog", "cat"], False),
    ({"not": {"values": "cat"}}, ["dog"], True),
    ({"not": ["cat", "dog"]}, "fox", True),
    ({"not": "cat"}, None, True),
    ({"not": "cat", "present": True}, None, False),
    ({"not": {"not": {"above": 3}}}, 4, True),
    ({"values": ["a", "b"], "matches": "^b"}, ["a", "c"], False),
]


@pytest.mark.parametrize(("condition", "value", "holds"), HOLDING)
def test_what_holds_of_a_field(condition: dict[str, Any], value: Any, holds: bool) -> None:
    fields = Fields({3: FieldMatch.model_validate({"path": "x.y", **condition})})
    document = parse(json.dumps({"x": {"y": value}}).encode())
    assert fields.columns(document) == ({3} if holds else set())


def test_a_field_that_is_missing_is_as_null() -> None:
    given = [{"present": False}, {"not": {"at_least": 3}}, {"present": True}, {"not": {"not": 3}}]
    matches = {k: FieldMatch.model_validate({"path": "x.y", **one}) for k, one in enumerate(given)}
    assert Fields(matches).columns({}) == {0, 1}
    assert Fields(matches).columns({"x": 3}) == {0, 1}


def test_no_pattern_can_hang() -> None:
    predicate = Predicate(Condition(matches=("(a|a)*(a*)*$",)))
    began = time.perf_counter()
    assert predicate.holds(["a" * 1_000_000 + "b"])
    assert time.perf_counter() - began < 10


_PLACES = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}\n"


def _asking(condition: str) -> str:
    names = f"w: {{target: 0.5, field: {{path: x, {condition}}}}}"
    return f"{_PLACES}attributes: {{g: {{names: {{{names}}}}}}}\n"


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("at_least: 5, at_most: 3", "field: no number is both at_least: 5 and at_most: 3"),
        ("above: 3, at_most: 3", "field: no number is both above: 3 and at_most: 3"),
        ("at_least: 3, below: 3", "field: no number is both at_least: 3 and below: 3"),
        ("above: 3, below: 2", "field: no number is both above: 3 and below: 2"),
        ("not: {at_least: 5, at_most: 3}", "field.not: no number is both"),
        ("not: {}", "field.not: says nothing of a value: give one of values, at_least"),
        ("matches: ''", "field.matches: an empty pattern is found in any text"),
        ("matches: '(a'", "field.matches: RE2 does not take the pattern '(a': missing )"),
        (r"matches: '(?<=a)b'", "field.matches: RE2 does not take the pattern"),
        (r"matches: '(a)\1'", "field.matches: RE2 does not take the pattern"),
        ("not: {not: {matches: '['}}", "field.not.not.matches: RE2 does not take"),
        ("matches: 19", "field.matches.0: should be text, not 19"),
        ("at_last: 5", "field.at_last: unknown key"),
        ("at_least: five", "field.at_least: should be a valid number"),
        ("at_least: .nan", "field.at_least: should be a finite number"),
        ("at_least: true", "field.at_least: should be a number, not True"),
        ("present: false, values: a", "field: present: false leaves no value for `values`"),
        ("values: []", "field.values: "),
        ("not: {" * 400 + "not: a" + "}" * 400, "field.not: `not` within `not` so often"),
        ("not: {not: {not: {at_least: a}}}", "field.not.not.not.at_least: should be a valid"),
    ],
)
def test_wrong_conditions_are_a_sentence_that_names_the_key(condition: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_config(_asking(condition), "c.yaml")
    assert f"  attributes.g.names.w.{sentence}" in str(error.value)


def test_a_field_without_a_condition_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"names\.w\.field: says nothing of a value"):
        parse_config(_asking("path: y").replace("path: x, ", ""), "c.yaml")


def test_conditions_are_part_of_what_labels_depend_on() -> None:
    given = ["at_least: 3", "above: 3", "not: {at_least: 3}", "matches: a", "present: true"]
    configs = [parse_config(_asking(one), "c.yaml") for one in given]
    assert len({settings_digest(config) for config in configs}) == len(given)
    again = [type(one).model_validate_json(one.model_dump_json(round_trip=True)) for one in configs]
    assert again == configs


bounds = st.sampled_from(
    [
        {"at_least": 1},
        {"above": 1},
        {"at_most": 1.5},
        {"below": 1.5},
        {"at_least": 0.5, "below": 2.0**53},
        {"above": -1.5, "at_most": 1e300},
    ]
)
exact = st.lists(st.sampled_from(["a", "b", "1", 0, 1, 1.5, True, 2**53 + 1]), min_size=1)
patterns = st.lists(st.sampled_from(["a", "^b$", "[0-9]", "é"]), min_size=1)
compared = st.one_of(
    bounds,
    exact.map(lambda values: {"values": values}),
    patterns.map(lambda matches: {"matches": matches}),
    st.tuples(bounds, exact).map(lambda both: {**both[0], "values": both[1]}),
    st.tuples(bounds, patterns).map(lambda both: {**both[0], "matches": both[1]}),
    st.booleans().map(lambda present: {"present": present}),
)
conditions = st.one_of(
    compared,
    compared.map(lambda one: {"not": one}),
    st.tuples(compared.filter(lambda one: one.get("present", True)), compared).map(
        lambda both: {**both[0], "not": both[1]}
    ),
    compared.map(lambda one: {"not": {"present": True, "not": one}}),
)
texts = st.sampled_from(["a", "b", "ab", "é", "", "1", "+1.5", "-.5", "5.", " 1e3 ", "1e999", "x1"])
COLUMNS = {
    pa.bool_(): st.booleans(),
    pa.int64(): st.sampled_from([0, 1, 2, 2**53, 2**53 + 1, -(2**62)]),
    pa.uint8(): st.integers(0, 3),
    pa.float64(): st.sampled_from([-0.0, 0.5, 1.0, 1.5, math.nan, math.inf, -math.inf, 2.0**53]),
    pa.float32(): st.sampled_from([-0.0, 0.5, 1.0, math.nan]),
    pa.string(): texts,
    pa.large_string(): texts,
    pa.dictionary(pa.int32(), pa.string()): texts,
    pa.null(): st.none(),
    pa.struct([("a", pa.int64())]): st.just({"a": 1}),
    pa.binary(): st.just(b"a"),
}


@given(st.data(), st.sampled_from(list(COLUMNS)), st.integers(0, 2))
def test_columns_hold_what_their_rows_hold(data: Any, kind: pa.DataType, depth: int) -> None:
    values = COLUMNS[kind] | st.none()
    for _ in range(depth):
        kind, values = pa.list_(kind), st.lists(values, max_size=3) | st.none()
    rows = data.draw(st.lists(values, max_size=8))
    predicate = Predicate(Condition.model_validate(data.draw(conditions)))
    column = pa.chunked_array([pa.array(rows[:3], kind), pa.array(rows[3:], kind)], kind)
    found = [list(_elements(value)) for value in column.to_pylist()]
    assert predicate.mask(column).tolist() == [predicate.holds(values) for values in found]
    cut = pa.array(rows, kind).slice(1)
    assert predicate.mask(cut).tolist() == [predicate.holds(values) for values in found[1:]]


@pytest.mark.parametrize(
    ("values", "elements"), [([0], [-0.0, 0.0, 1.0]), ([-0.0], [0.0, -0.0, 1])]
)
def test_zero_has_no_sign(values: list[float], elements: list[float]) -> None:
    mask = Predicate(Condition(values=values)).mask(pa.array(elements, pa.float64()))
    assert mask.tolist() == [True, True, False]


def _elements(value: Any) -> Any:
    if isinstance(value, list):
        for one in value:
            yield from _elements(one)
    else:
        yield value
