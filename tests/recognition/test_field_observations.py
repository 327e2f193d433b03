"""Fields beside what names list of them: each kind of mistake is planted, and told."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from transforms.config.observations import Observation
from transforms.recognition.field_observations import observe_fields
from transforms.recognition.fields import FieldMatch


def observed(documents: Sequence[Mapping[str, Any]], **values: Any) -> Observation:
    """What is noted of the field x, of which each name lists some values."""
    matches = {name: FieldMatch(path="x", values=listed) for name, listed in values.items()}
    (found,) = observe_fields(matches, documents)
    return found


def holding(*values: Any) -> list[dict[str, Any]]:
    """Metadata whose field x holds each of the values."""
    return [{"x": value} for value in values]


def test_the_most_frequent_values_that_no_name_lists_come_first() -> None:
    many = [f"v{number}" for number in range(12) for _ in range(12 - number)]
    found = observed(holding("a", "a", *many, ["v0", "v0", "a"], None), a="a")
    assert found.title == (
        "field x, in 81 of 82 samples: the 10 most frequent of 12 values that no name lists"
    )
    assert [(row["value"], row["samples"]) for row in found.rows][:2] == [
        ('"v0"', 13),
        ('"v1"', 11),
    ]
    assert len(found.rows) == 10
    assert found.advice == ()


def test_values_that_another_condition_holds_of_are_taken() -> None:
    matches = {
        "old": FieldMatch(path="x", at_least=60),
        "jpg": FieldMatch(path="x", matches="jpe?g$"),
        "cat": FieldMatch(path="x", values="cat"),
    }
    documents = holding(61, "70", 20, "a.jpeg", "a.png", "cat", ["b.png", "c.jpg"], {"a": 1})
    (found,) = observe_fields(matches, documents)
    assert found.title == "field x, in 8 of 8 samples: values that no name takes"
    assert [row["value"] for row in found.rows] == ["20", '"a.png"', '"b.png"']
    assert found.advice == ()
    (all_taken,) = observe_fields(matches, documents[:2])
    assert all_taken.title == "field x, in 2 of 2 samples: names take every value"


def test_a_field_that_may_be_missing_need_not_be_there() -> None:
    absent, present = FieldMatch(path="x", present=False), FieldMatch(path="x", present=True)
    (found,) = observe_fields({"absent": absent, "present": present}, [{"y": 1}])
    assert found.advice == ()
    (found,) = observe_fields({"present": present}, [{"y": 1}])
    assert "has no value in 1 sample: correct its path (there are: y)" in found.advice[0]


@pytest.mark.parametrize(
    ("value", "near"),
    [
        ("9-Mar", '"3-9"'),
        ("Mar-9", '"3-9"'),
        ("3-Sep", '"3-9"'),
        ("3/9/2024", '"3-9"'),
        ("2024-03-09T00:00:00", '"3-9"'),
        ("2024-03-09 00:00", '"3-9"'),
        ("19-Oct", '"10-19"'),
        ("more than 70s", '"more than 70"'),
        ("More_than-70", '"more than 70"'),
        ("march", ""),
        ("3", ""),
        ("something else", ""),
        (3, ""),
    ],
)
def test_the_nearest_listed_value_is_shown(value: Any, near: str) -> None:
    found = observed(holding(value), child=["0-2", "3-9"], teen="10-19", old="more than 70")
    assert found.rows[0]["nearest listed"] == near
    names = {"": "", '"3-9"': "child", '"10-19"': "teen", '"more than 70"': "old"}
    assert found.rows[0]["of"] == names[near]


def test_dates_that_a_spreadsheet_made_are_told() -> None:
    found = observed(holding("9-Mar", "9-Mar", "19-Oct", "0-2"), a=["0-2", "3-9"], b="10-19")
    assert found.advice == (
        'the field x has "9-Mar" (2 samples) where a has "3-9"; "19-Oct" (1 sample) where b has '
        '"10-19": a spreadsheet made dates of them; mend the metadata, or list these values as '
        "well",
    )


@pytest.mark.parametrize(
    ("given", "listed", "said"),
    [
        ("1", 1, 'the text "1" (1 sample) where a has the number 1'),
        (1, "1", 'the number 1 (1 sample) where a has the text "1"'),
        (1.0, "1", 'the number 1.0 (1 sample) where a has the text "1"'),
        ("1.0", 1, 'the text "1.0" (1 sample) where a has the number 1'),
        (True, "true", 'true (1 sample) where a has the text "true"'),
        (True, "yes", 'true (1 sample) where a has the text "yes"'),
        (True, 1, "true (1 sample) where a has the number 1"),
        (0, False, "the number 0 (1 sample) where a has false"),
        ("NO", False, 'the text "NO" (1 sample) where a has false'),
        ("off", False, 'the text "off" (1 sample) where a has false'),
        ("Yes", True, 'the text "Yes" (1 sample) where a has true'),
    ],
)
def test_types_that_never_match_are_told(given: Any, listed: Any, said: str) -> None:
    found = observed(holding(given, "else"), a=listed)
    (advice,) = found.advice
    assert advice.startswith(f"the field x has {said}, and types are compared as well: list what ")
    assert ("YAML reads NO" in advice) == isinstance(listed, bool)
    assert found.rows[0]["nearest listed"] not in ("", None)


def test_values_of_other_types_that_are_others_are_no_mistake() -> None:
    given = holding("2", 10**400, "nan", "1e5", "1_000", "01", "1.0")
    assert observed(given, a=["1", "two"], b=3).advice == ()


@pytest.mark.parametrize(
    "value",
    ['["laptop", "tie"]', "['laptop']", "laptop,tie", "tie; Laptop", "cup|laptop", "(laptop)"],
)
def test_lists_held_as_text_are_told(value: str) -> None:
    found = observed(holding(value, value, "cup"), a="laptop")
    assert len(found.advice) == 1
    assert found.advice[0].startswith("the field x holds lists as text, as ")
    assert "(2 samples), and a text is compared whole" in found.advice[0]


def test_a_text_with_commas_is_no_list_of_what_names_list() -> None:
    assert observed(holding("a laptop, and more", "cup, saucer"), a="laptop").advice == ()


def test_other_spellings_are_told() -> None:
    assert "where a has" in observed(holding("south-east"), a="Southeast").advice[0]
    found = observed(holding("East  asian", "east_asian"), a="East Asian")
    assert found.advice == (
        'the field x has "East  asian" (1 sample) where a has "East Asian"; "east_asian" '
        '(1 sample) where a has "East Asian": case, spaces and hyphens are compared as well; list '
        "these values too",
    )


def test_a_field_that_is_absent_is_told_with_those_that_are_there() -> None:
    matches = {"a": FieldMatch(path="objects", values="a")}
    (found,) = observe_fields(matches, [{"object": 1, "y": 2}, {"y": 3}, {"y": None}])
    assert found.advice == (
        "the field objects has no value in 3 samples: correct its path (there are: object, y)",
    )
    assert observed([{}], a="a").advice == (
        "the field x has no value in 1 sample: correct its path (the metadata has no field)",
    )


def test_objects_are_told() -> None:
    found = observed(holding({"y": "a"}, [{"y": "a"}]), a="a")
    assert found.advice == (
        "the field x holds objects (2 samples), which are compared with nothing: name a field of "
        "theirs, as x.KEY",
    )


def test_what_is_right_is_no_matter() -> None:
    found = observed(holding("a", ["a", "b"], "b"), a="a", b="b")
    assert (found.rows, found.advice) == ((), ())
    assert found.title == "field x, in 3 of 3 samples: names list every value"


def test_each_field_is_one_observation() -> None:
    matches = {
        "a": FieldMatch(path="x", values="a"),
        "b": FieldMatch(path="x", values="b"),
        "c": FieldMatch(path="y.z", values="b"),
    }
    found = list(observe_fields(matches, [{"x": "b", "y": [{"z": "c"}, {"z": "b"}]}]))
    assert [one.title.partition(",")[0] for one in found] == ["field x", "field y.z"]
    assert [len(one.rows) for one in found] == [0, 1]


def test_long_values_are_shortened() -> None:
    found = observed(holding("v" * 1000), a="a")
    assert found.rows[0]["value"] == f'"{"v" * 59}...'
