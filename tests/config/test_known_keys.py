"""What was meant by a wrong key, value or name is told where it can be."""

import copy
from typing import Any

import pytest
import yaml

from pipelines.registry import ENGINES
from transforms.base.errors import ConfigError
from transforms.base.nearest import nearest
from transforms.config.files import parse_config
from transforms.config.schema import schema_of
from transforms.m4.targets import targets_of

VALUES: dict[str, Any] = {
    "input": {"shards": "a.tar"},
    "attributes": {
        "gender": {"names": {name: {"target": 0.5, "lexicon": [name]} for name in ("man", "woman")}}
    },
    "labels": {"job": {"names": {"nurse": {"lexicon": ["nurse"]}}}},
    "balance": {"eta": 0.5},
    "output": {"url": "out"},
}


def changed(*place: str, value: object) -> str:
    values = copy.deepcopy(VALUES)
    held: Any = values
    for part in place[:-1]:
        held = held.setdefault(part, {})
    held[place[-1]] = value
    return yaml.safe_dump(values)


@pytest.mark.parametrize(
    ("place", "meant"),
    [
        (("balance", "max_representaton_bias"), "max_representation_bias"),
        (("balance", "q"), "Q"),
        (("atributes",), "attributes"),
        (("eta",), "balance.eta"),
        (("max_pixels",), "input.limits.max_pixels"),
        (("input", "limits", "max_pixel"), "max_pixels"),
        (("attributes", "gender", "names", "man", "lexicn"), "lexicon"),
        (("attributes", "gender", "names", "man", "targt"), "target"),
        (("labels", "job", "names", "nurse", "promts"), "prompts"),
        (("attributes", "gender", "zeroshot"), "zero_shot"),
        (("gates", "expectation"), "expectations"),
        (("output", "label"), "labels"),
    ],
)
def test_a_key_like_one_that_there_is(place: tuple[str, ...], meant: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_config(changed(*place, value={}), "c.yaml")
    assert f"  {'.'.join(place)}: unknown key; did you mean {meant}?" in str(told.value)


def test_a_key_of_a_list_is_found_too() -> None:
    override = [{"attribute": "gender", "max_association_bias": 0.1}]
    with pytest.raises(ConfigError, match=r"overrides\.0\.attribute: .* mean attributes\?"):
        parse_config(changed("balance", "overrides", value=override), "c.yaml")


def test_a_key_like_none_is_told_where_all_are() -> None:
    with pytest.raises(ConfigError, match="xyzzy: unknown key; see `fairshard init` for the keys"):
        parse_config(changed("balance", "xyzzy", value=1), "c.yaml")


@pytest.mark.parametrize(
    ("place", "value", "meant"),
    [
        (("attributes", "gender", "share_of"), "groups", "'group'"),
        (("attributes", "gender", "combine"), "Any", "'any'"),
        (("output", "format"), "webdatset", "'webdataset'"),
    ],
)
def test_a_value_like_one_that_may_be_given(place: tuple[str, ...], value: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=rf"; did you mean {meant}\?"):
        parse_config(changed(*place, value=value), "c.yaml")


@pytest.mark.parametrize(
    ("key", "name", "meant"),
    [
        ("labels", "job.nurs", "'job.nurse'"),
        ("labels", "nurse", "'job.nurse'"),
        ("attributes", "Gender.woman", "'gender.woman'"),
        ("attributes", "wman", "'gender.woman'"),
    ],
)
def test_a_name_in_an_override_like_one_that_there_is(key: str, name: str, meant: str) -> None:
    override = [{key: name, "max_association_bias": 0.1}]
    config = parse_config(changed("balance", "overrides", value=override), "c.yaml")
    schema = schema_of(config)
    with pytest.raises(ConfigError, match=rf"{key}: there is no .*; did you mean {meant}\?"):
        targets_of(schema.attributes, schema.labels, config.balance)


def test_an_engine_like_one_that_there_is() -> None:
    with pytest.raises(ConfigError, match=r"there are: beam, spark; did you mean 'beam'\?"):
        ENGINES["beem"]


def test_what_is_like_nothing_is_nothing() -> None:
    assert nearest("zebra", ["eta", "seed"]) is None
    assert nearest("", ["eta"]) is None
    assert nearest("SEED", ["eta", "seed"]) == "seed"
