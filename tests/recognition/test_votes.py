"""`combine: all`: a name is true where all that recognises it says so, of whatever part."""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import config_of
from tests.labelled import BY_IMAGE, FOX, OWL, Labelled, labelling_config, sample
from transforms.recognition.settings import settings_by_key, settings_digest

FOX_NAME: dict[str, Any] = {
    "target": 0.5,
    "prompts": ["a fox"],
    "lexicon": "fox",
    "field": {"path": "seen", "values": "fox"},
}


@pytest.mark.parametrize("combine", ["any", "all"])
def test_all_parts_must_agree(tmp_path: Path, combine: str) -> None:
    names = {**BY_IMAGE["figure"]["names"], "fox": FOX_NAME}
    attributes = {"figure": {"combine": combine, "names": names}}
    config = labelling_config(tmp_path, attributes, model={"device": "cpu"})
    given = {
        "all": (FOX, "a fox", {"seen": "fox"}),
        "other picture": (OWL, "a fox", {"seen": ["fox"]}),
        "other caption": (FOX, "a cat", {"seen": "fox"}),
        "other field": (FOX, "a fox", {"seen": "cat"}),
        "none": (OWL, "a cat", {}),
    }
    entries = [sample(key, jpg=jpg, txt=txt, json=json) for key, (jpg, txt, json) in given.items()]
    labelled = Labelled(tmp_path, config, [entry for each in entries for entry in each])
    foxes = {key for key in given if "s.figure.fox" in labelled.true(key)}
    assert foxes == ({"all"} if combine == "all" else {*given} - {"none"})
    owls = {key for key in given if "s.figure.owl" in labelled.true(key)}
    assert owls == {"other picture", "none"}


def test_two_recognisers_of_one_part_must_agree_as_well(tmp_path: Path) -> None:
    spec = {"lexicon": "she", "field": {"path": "sex", "values": "f"}}
    config = labelling_config(tmp_path, {"g": {"names": {"x": {"target": 0.5, "lexicon": "x"}}}})
    more = {"l": {"combine": "all", "names": {"woman": spec, "wide": {"lexicon": "wide"}}}}
    config = labelling_config(tmp_path, config.model_dump()["attributes"], labels=more)
    labelled = Labelled(
        tmp_path,
        config,
        [
            *sample("a", txt="she", json={"sex": "f"}),
            *sample("b", txt="she", json={"sex": "m"}),
            *sample("c", txt="wide", json={"sex": "f"}),
        ],
    )
    assert [labelled.true(key) for key in "abc"] == [{"y.l.woman"}, set(), {"y.l.wide"}]


def test_labels_depend_on_it_where_names_have_several_ways_alone(tmp_path: Path) -> None:
    def asking(combine: str, **more: Any) -> Any:
        spec = {"target": 0.5, "lexicon": "a", **more}
        return config_of(
            tmp_path, attributes={"g": {"combine": combine, "names": {"a": spec}}}, labels={}
        )

    assert settings_digest(asking("all")) == settings_digest(asking("any"))
    both = {"field": {"path": "x", "values": "y"}}
    assert settings_digest(asking("all", **both)) != settings_digest(asking("any", **both))
    by_key = settings_by_key(asking("all", **both))["attributes"]["g"]
    assert by_key["combine"] == "all"
    assert "combine" not in settings_by_key(asking("any", **both))["attributes"]["g"]
