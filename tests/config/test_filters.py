"""The filter's forms: a mapping, and lists of conditions; what is wrong is said at its key."""

from pathlib import Path
from typing import Any

import pytest

from transforms.base.errors import ConfigError
from transforms.config.files import parse_config, read_config
from transforms.config.sections import Config

SMALLEST = """
input: {shards: a.tar}
attributes: {g: {names: {w: {target: 0.5, lexicon: [w]}}}}
model: {name: ViT-B-32}
tables: {scores: {url: a.parquet, key: key}}
balance: {eta: 0.5}
output: {url: out}
"""


def config(text: str) -> Config:
    return parse_config(f"{SMALLEST}{text}\n", "c.yaml")


@pytest.mark.parametrize(
    ("text", "dumped", "names"),
    [
        ("", None, []),
        ("filter:", None, []),
        ("filter: []", None, []),
        ("filter: {min_similarity: 0.2}", {"min_similarity": 0.2}, ["min_similarity"]),
        ("filter: [{min_similarity: 0.2}]", {"min_similarity": 0.2}, ["min_similarity"]),
        (
            "filter: {field: punsafe, below: 0.5}",
            [{"field": "punsafe", "below": 0.5}],
            ["punsafe below 0.5"],
        ),
        (
            "filter: [{min_similarity: 0.2}, {field: a.b, not: {matches: [x, y]}}]",
            [{"min_similarity": 0.2}, {"field": "a.b", "not": {"matches": ["x", "y"]}}],
            ["min_similarity", "a.b not (matches x or y)"],
        ),
        (
            "filter: {column: {table: scores, name: s}, at_least: 5, at_most: 9}",
            [{"column": {"table": "scores", "name": "s"}, "at_least": 5.0, "at_most": 9.0}],
            ["scores.s at least 5 and at most 9"],
        ),
        (
            "filter: [{field: w, at_least: 0.28400001, below: 1048576}, {field: w, above: 1e+30}]",
            [
                {"field": "w", "at_least": 0.28400001, "below": 1048576.0},
                {"field": "w", "above": 1e30},
            ],
            ["w at least 0.28400001 and below 1048576", "w above 1e+30"],
        ),
        (
            "filter: [{field: l, values: [en, de, fr, it, true]}, {field: n, present: false}]",
            [
                {"field": "l", "values": ["en", "de", "fr", "it", True]},
                {"field": "n", "present": False},
            ],
            ["l is en or de or fr or 2 more", "n missing"],
        ),
    ],
)
def test_it_is_dumped_as_given_and_read_back(text: str, dumped: Any, names: list[str]) -> None:
    found = config(text)
    values = found.model_dump(mode="json")
    assert values["filter"] == dumped
    assert [one.name for one in found.filter] == names
    assert Config.model_validate(values).filter == found.filter
    assert found.scores_similarity == ("min_similarity" in names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("filter: {min_similarty: 0.2}", "filter.min_similarty: unknown key; did you mean min_s"),
        ("filter: {min_similarity: 2}", "filter.min_similarity: should be less than or equal to 1"),
        ("filter: [{min_similarity: on}]", "filter.0.min_similarity: should be a number, not True"),
        ("filter: {field: w, above: 1048577, below: 1048576}", "above: 1048577 and below: 1048576"),
        ("filter: [{below: 0.5}]", "filter.0.field: missing"),
        ("filter: [{field: punsafe}]", "says nothing of a value: give one of values"),
        (
            "filter: [{field: punsafe, bellow: 1}]",
            "filter.0.bellow: unknown key; did you mean below",
        ),
        ("filter: [{field: '', below: 1}]", "filter.0.field: should have at least 1 character"),
        ("filter: [{field: a, matches: '('}]", "RE2 does not take the pattern '('"),
        ("filter: [{column: {table: score, name: s}, below: 1}]", "did you mean 'scores'?"),
        (
            "filter: [{field: a, below: 1}, {field: a, below: 1, min_similarity: 0.2}]",
            "filter: min_similarity is a condition of its own: give a list of {min_similarity: 0.2",
        ),
        (
            "filter: {column: {table: scores, name: s}, below: 1, min_similarity: 0.2}",
            "filter: min_similarity is a condition of its own",
        ),
        ("filter: 0.2", "filter: should be conditions, as {min_similarity: 0.2} and"),
        ("filter: [0.2]", "filter: should be conditions, as {min_similarity: 0.2} and"),
        ("utility: {column: {table: nothing, name: s}}", "utility.column.table: there is no table"),
        ("utility: {column: {table: scores, name: s}, field: x}", "give field or column, not both"),
    ],
)
def test_what_is_wrong_is_said_at_its_key(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert said in str(caught.value)


def test_what_stands_alone_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(f"{SMALLEST}filter:\n  field: punsafe\n  bellow: 0.5\n")
    with pytest.raises(ConfigError) as caught:
        read_config(tmp_path / "c.yaml")
    assert [problem.line for problem in caught.value.problems] == [10]


def test_a_utility_without_a_column_is_dumped_as_before() -> None:
    assert config("").model_dump(mode="json")["utility"] == {
        "field": None,
        "score": None,
        "scale": 1.0,
    }
