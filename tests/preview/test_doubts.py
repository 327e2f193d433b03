"""Warnings of what a valid configuration may not mean."""

from typing import Any

import pytest

from transforms.config.files import config_in
from transforms.config.sections import Config
from transforms.preview.doubts import doubts_about
from transforms.stages.registrations import load_registrations


def asking(**names: dict[str, Any]) -> Config:
    """A configuration whose only attributes are these, each with its recognisers."""
    return _config({"g": {"names": {key: {"target": 0.1, **spec} for key, spec in names.items()}}})


def _config(attributes: dict[str, Any], **members: Any) -> Config:
    load_registrations()
    return config_in(
        {
            "input": {"shards": "a.tar", "members": members},
            "attributes": attributes,
            "model": {"name": "ViT-B-32"},
            "balance": {"eta": 0.5},
            "output": {"url": "out"},
        }
    )


def doubts(config: Config) -> list[str]:
    return list(doubts_about(config))


@pytest.mark.parametrize(
    "value",
    [
        *(">=60", "> 60", "<5", "!=x", "=1", "age > 60", "[60, 70)", "18..30"),
        *("/wom[ae]n/", "wom[ae]n", "[Ww]oman", "woman.*", "^she", "he$", r"\bman\b", "/he/i"),
        *("*.jpg", "foo*", "wom?n", "{man,men}", "a|b", "rock | pop", "(he|she)", "%man%", "man%"),
        *("cat AND dog", "NOT man"),
    ],
)
def test_what_looks_like_a_pattern_is_named(value: str) -> None:
    in_field = {"field": {"path": "x", "values": [value, "other"]}}
    assert doubts(asking(a=in_field)) == [
        f"{value!r} of g.a, under field: patterns are not read, each is compared as it stands; "
        "write out what is meant, or ask for it by matches, at_least, above, at_most or below"
    ]
    assert "under lexicon: patterns are not read" in doubts(asking(a={"lexicon": ["he", value]}))[0]


@pytest.mark.parametrize(
    "value",
    [
        *("3-9", "C++", "C#", "R&B", "AC/DC", "what?", "5%", "100%", "a (b)", "[unk]", "<start>"),
        *("more than 70", "he/she", "men's", "U.S.", "1,000", "a, b", "OR", "60+", "A+", "US$"),
        *("x-ray", "-5", "手术", "e.g."),
    ],
)
def test_what_is_plain_is_not(value: str) -> None:
    assert doubts(asking(a={"field": {"path": "x", "values": value}})) == []


def test_five_are_named() -> None:
    values = [f">{number}" for number in range(8)]
    (said,) = doubts(asking(a={"field": {"path": "x", "values": values}}))
    assert said.startswith(
        "'>0' of g.a, '>1' of g.a, '>2' of g.a, '>3' of g.a, '>4' of g.a and 3 more"
    )


def test_names_that_are_recognised_by_the_same_are_told() -> None:
    config = asking(
        a={"lexicon": ["child", "kid", "Nurse"], "field": {"path": "x", "values": ["1", 2]}},
        b={"lexicon": ["ＮＵＲＳＥ", "kid"], "field": {"path": "y", "values": "1"}},
        c={"field": {"path": "x", "values": [1, 2]}},
    )
    assert doubts(config) == [
        "g.a, g.b are recognised by the same (lexicon kid, lexicon nurse): each such sample is all "
        "of them",
        "g.a, g.c are recognised by the same (field x: 2): each such sample is all of them",
    ]
    prompts = {"prompts": ["a nurse"]}
    assert "(prompts a nurse)" in doubts(asking(a=prompts, b=prompts))[0]


def test_a_word_of_two_groups_is_told() -> None:
    config = _config(
        {
            "g": {"names": {"a": {"target": 0.1, "lexicon": "nurse"}}},
            "h": {"names": {"a": {"target": 0.1, "lexicon": ["nurse", "nurse"]}}},
        }
    )
    assert doubts(config) == [
        "g.a, h.a are recognised by the same (lexicon nurse): each such sample is all of them"
    ]


PLAIN = {"g": {"names": {"a": {"target": 0.1, "lexicon": "a"}}}}


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"image": [".jpg", "png"]}, "input.members.image: .jpg is the extension of no member"),
        ({"caption": ["*.txt"]}, "input.members.caption: *.txt is the extension of no member"),
        ({"metadata": ".json"}, "without the dot; write json"),
        ({"image": ["jpg", "heic"]}, "heic is the extension of no kind of image that is read (jpg"),
        ({"image": ["gif", "x.TIFF"]}, "loader passes over gif, x.tiff (it takes jpg, png, jpeg"),
    ],
)
def test_extensions_that_give_nothing_are_told(members: dict[str, Any], said: str) -> None:
    (warning,) = doubts(_config(PLAIN, **members))
    assert said in warning


def test_the_usual_is_beyond_doubt() -> None:
    assert doubts(_config(PLAIN)) == []
    assert doubts(_config(PLAIN, image=["JPG"], caption=["seg.txt"])) == []
