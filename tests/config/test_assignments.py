"""Keys set from outside a configuration's file are as if the file said so."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import fairshard
from tests.commands import run
from transforms.base.errors import ConfigError
from transforms.config.assignments import assigned, assignment, assignments_of
from transforms.config.files import read_config

VALUES: dict[str, Any] = {
    "input": {"shards": ["a.tar", "b.tar"]},
    "attributes": {
        "gender": {"names": {name: {"target": 0.5, "lexicon": [name]} for name in ("man", "woman")}}
    },
    "labels": {"job": {"names": {"head nurse": {"lexicon": ["nurse"]}}}},
    "balance": {"eta": 0.5},
    "output": {"url": "out"},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(VALUES))
    return path


@pytest.mark.parametrize(
    ("text", "place", "value"),
    [
        ("balance.eta=0.5", ("balance", "eta"), 0.5),
        ("balance.V=auto", ("balance", "V"), "auto"),
        ("input.shards=[a.tar, 'b=c.tar']", ("input", "shards"), ["a.tar", "b=c.tar"]),
        ("input.shards.1=s3://b/{0..9}.tar", ("input", "shards", "1"), "s3://b/{0..9}.tar"),
        ("balance.overrides[0].labels=job", ("balance", "overrides", "0", "labels"), "job"),
        (
            'engine.options."spark.executor.memory"=4g',
            ("engine", "options", "spark.executor.memory"),
            "4g",
        ),
        ("engine.options.'a.b' = 1", ("engine", "options", "a.b"), 1),
        (
            "labels.job.names.head nurse.field=x",
            ("labels", "job", "names", "head nurse", "field"),
            "x",
        ),
        ("calibration=", ("calibration",), None),
        ("calibration=null", ("calibration",), None),
        ("filter={min_similarity: 0.2}", ("filter",), {"min_similarity": 0.2}),
    ],
)
def test_a_key_is_a_path_and_its_value_is_yaml(
    text: str, place: tuple[str, ...], value: object
) -> None:
    found = assignment(text)
    assert (found.place, found.value) == (place, value)


@pytest.mark.parametrize(
    "text", ["", "balance.eta", "=1", ".eta=1", "balance..eta=1", 'a."b=1', "a[x]=1"]
)
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write KEY=VALUE, as in --set"):
        assignment(text)


def test_a_value_that_is_no_yaml_is_told_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"the value of --set balance\.eta is not valid YAML"):
        assignment("balance.eta=[")


def test_sections_that_are_missing_are_made_and_others_stay() -> None:
    values: dict[str, Any] = {"balance": {"eta": 0.5, "Q": 2}, "list": [{"a": 1}]}
    keys = ["balance.eta=0.4", "model.name=x", "list.0.b=2", "list.1=3", "new.0.labels=job"]
    assert assigned(values, [assignment(key) for key in keys]) == {
        "balance": {"eta": 0.4, "Q": 2},
        "model": {"name": "x"},
        "list": [{"a": 1, "b": 2}, 3],
        "new": [{"labels": "job"}],
    }
    assert values == {"balance": {"eta": 0.5, "Q": 2}, "list": [{"a": 1}]}


def test_what_an_alias_stands_for_elsewhere_stays() -> None:
    shared = {"target": 0.5}
    found = assigned({"a": shared, "b": shared}, [assignment("a.target=0.2")])
    assert found == {"a": {"target": 0.2}, "b": {"target": 0.5}}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("balance.eta.x=1", "--set balance.eta.x: what is above it is a value and has no keys"),
        ("input.shards.x=1", "a list of 2 entries: name one by its number, from 0 to 1, or 2 to"),
        ("input.shards.3=1", "a list of 2 entries: name one by its number, from 0 to 1, or 2 to"),
        (
            "balance.etta=1",
            "with --set balance.etta is wrong:\n  balance.etta: unknown key; did you",
        ),
        ("balance.eta=2", "with --set balance.eta is wrong:\n  balance: eta = 2 is above Q = 1"),
        ("balance.eta=yes", "balance.eta: should be a number above 0 or auto"),
    ],
)
def test_a_wrong_key_is_told_as_one_in_the_file(path: Path, key: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        read_config(path, [assignment(key)])
    assert said in str(told.value)


def test_relative_paths_are_taken_from_the_file_as_its_own_are(path: Path) -> None:
    config = read_config(path, [assignment("output.url=elsewhere")])
    assert config.output.url == str(path.parent / "elsewhere")


def test_python_sets_keys_too(path: Path) -> None:
    for given in (path, {**VALUES, "output": {"url": str(path.parent / "out")}}):
        config = fairshard.read_config(given, set={"balance.eta": 0.25, "input.shards.0": "c.tar"})
        assert (config.balance.eta, Path(config.input.shards[0]).name) == (0.25, "c.tar")
    with pytest.raises(ConfigError, match="set keys as it is read"):
        fairshard.read_config(config, set={"balance.eta": 0.5})
    with pytest.raises(ConfigError, match=r"'balance\.\.eta' is no key"):
        assignments_of({"balance..eta": 1})


def test_what_ran_is_what_the_plan_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from jobs.run.running import run_command
    from jobs.session.options import read_checked
    from tests.fixtures import config_of, write_corpus
    from tests.inprocess import InProcess
    from tests.runs import quiet
    from transforms.plan.plan import read_plan
    from transforms.storage.files import output_storage

    write_corpus(tmp_path, samples=80, shards=2)
    values = config_of(tmp_path, gates={"enabled": False}).model_dump(mode="json", round_trip=True)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    config = read_checked(path, ["balance.eta=0.4", "seed=3"])
    run_command("rebalance", config, InProcess(), quiet(), "run")
    told = read_plan(output_storage(config.output)).file.config
    assert (told["balance"]["eta"], told["seed"]) == (0.4, 3)
    assert run("verify", path, "--set", "balance.eta=0.4", "--set", "seed=3") == 0
    assert run("verify", path) == 2
    assert "balance.eta and seed differ" in capsys.readouterr().err
