"""Runs from Python are those of the commands."""

import builtins
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml

import fairshard
from fairshard import Config, ConfigError, FairshardError, GateError, StaleError
from tests.commands import run
from tests.fixtures import tree, write_corpus
from tests.gated import write_own
from tests.loading import ROOT
from transforms.base.logs import LOGGER

VALUES: dict[str, Any] = {
    "input": {"shards": "in/*.tar"},
    "attributes": {
        "gender": {
            "share_of": "group",
            "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
        }
    },
    "labels": {"thing": {"field": "words", "names": ["doctor", "nurse"]}},
    "balance": {"eta": 0.5},
    "output": {"url": "out", "samples_per_shard": 40},
}
IN_MEMORY = {"options": {"runner": "FnApiRunner"}}


def written(values: dict[str, Any]) -> str:
    """A configuration as YAML, its names in their order."""
    return str(yaml.safe_dump(values, sort_keys=False))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a corpus and its configuration in a file."""
    write_corpus(tmp_path, samples=200, shards=2)
    (tmp_path / "config.yaml").write_text(written({**VALUES, "engine": IN_MEMORY}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What a command prints with --json, without how long it took."""
    capsys.readouterr()
    assert run(*arguments, "--json") == 0
    return timeless(json.loads(capsys.readouterr().out))


def timeless(details: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps({k: v for k, v in details.items() if k != "seconds"}))


def test_each_stage_gives_what_its_command_says_and_writes_what_it_writes(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = fairshard.read_config("config.yaml")
    labelled = fairshard.label(config)
    assert "2 shards are to be labelled: none is yet" in capsys.readouterr().err
    assert (labelled.shards, labelled.labelled_now, labelled.samples) == (2, 2, 200)
    again = fairshard.label(config, quiet=True)
    assert capsys.readouterr() == ("", "")
    assert again.labelled_now == 0
    assert timeless(again.details) == printed(capsys, "label", "config.yaml")
    plan = fairshard.solve(config, quiet=True)
    assert timeless(plan.details) == printed(capsys, "solve", "config.yaml")
    assert plan.predicted["RB"] <= 0.01 + 1e-6 < plan.before["RB"]
    assert plan.certificate.dual <= plan.certificate.primal
    output = fairshard.resample(config, quiet=True)
    assert timeless(output.details) == printed(capsys, "resample", "config.yaml")
    assert output.read == 200 == output.kept + output.dropped + output.rejected
    assert output.bias["AB"].after < output.bias["AB"].before
    made = tree(folder / "out")
    whole = fairshard.rebalance(config, quiet=True)
    assert timeless(whole.details) == printed(capsys, "rebalance", "config.yaml")
    assert whole.details["gates"] and not output.details["gates"]
    verified = fairshard.verify(config, quiet=True)
    assert verified.agrees
    assert timeless(verified.details) == printed(capsys, "verify", "out")
    assert run("rebalance", "config.yaml", "--output", "by-command") == 0
    assert made == tree(folder / "out") == tree(folder / "by-command")


def test_as_text_a_summary_is_what_the_command_prints(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = fairshard.rebalance("config.yaml", quiet=True)
    capsys.readouterr()
    assert run("summary", "config.yaml") == 0
    assert str(output) == capsys.readouterr().out.rstrip()
    assert "details" not in repr(output)


def test_restart_does_all_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fairshard.label("config.yaml")
    capsys.readouterr()
    assert fairshard.label("config.yaml", restart=True).labelled_now == 2
    assert "the labels of 2 shards are discarded" in capsys.readouterr().err


def test_a_mapping_is_a_configuration_whose_paths_are_from_here(folder: Path) -> None:
    of_file = fairshard.read_config("config.yaml")
    values = {**VALUES, "engine": IN_MEMORY}
    assert fairshard.read_config(values) == of_file
    assert fairshard.read_config(of_file) is of_file
    odd = {
        **values,
        "input": {"shards": [Path("in/*.tar")]},
        "output": MappingProxyType(VALUES["output"]),
    }
    assert fairshard.read_config(MappingProxyType(odd)) == of_file
    assert fairshard.read_config(folder / "config.yaml") == of_file
    assert isinstance(of_file, Config)


@pytest.mark.parametrize(
    "wrong",
    [
        {"balance": {"eta": 2}},
        {"seed": True, "colour": "red"},
        {"attributes": {"gender": {"names": {"woman": {"target": 2}}}}},
        {"balance": {"eta": 0.5, "overrides": [{"labels": ["cat"], "max_label_skew": 0.1}]}},
    ],
)
def test_what_is_wrong_in_a_mapping_is_said_as_of_a_file(
    folder: Path, wrong: dict[str, Any]
) -> None:
    values = {**VALUES, **wrong}
    (folder / "config.yaml").write_text(written(values))
    with pytest.raises(ConfigError) as of_file:
        fairshard.read_config("config.yaml")
    with pytest.raises(ConfigError) as of_mapping:
        fairshard.read_config(values)
    assert str(of_mapping.value) == str(of_file.value).replace("config.yaml", "the configuration")


def test_errors_are_raised_not_exits(folder: Path) -> None:
    config = fairshard.read_config("config.yaml")
    with pytest.raises(FairshardError, match=r"2 of 2 shards .* run `fairshard label` first"):
        fairshard.solve(config, quiet=True)
    with pytest.raises(FairshardError, match="elsewhere holds no finished output"):
        fairshard.verify("elsewhere", quiet=True)
    with pytest.raises(ConfigError, match="Beam does not take its options"):
        fairshard.label({**VALUES, "engine": {"options": {"direct_num_workers": "many"}}})
    fairshard.rebalance(config, quiet=True)
    other = {**VALUES, "engine": IN_MEMORY, "balance": {"eta": 0.4}}
    with pytest.raises(StaleError, match=r"was made from other config.balance"):
        fairshard.resample(other, quiet=True)
    with pytest.raises(ConfigError, match=r"the configuration is not the .* balance.eta differs"):
        fairshard.verify(other, quiet=True)
    few = {"stage": "labels", "type": "expect_column_mean_to_be_between", "column": "utility"}
    gates = {"expectations": write_own(folder, {**few, "min_value": 2})}
    with pytest.raises(GateError, match="utility"):
        fairshard.rebalance({**VALUES, "engine": IN_MEMORY, "gates": gates}, quiet=True)


def test_a_tampered_output_does_not_agree(folder: Path) -> None:
    fairshard.rebalance("config.yaml", quiet=True)
    assert fairshard.verify("out", sample=1, inputs=False, quiet=True).agrees
    shard = folder / "out" / "shards" / "00000.tar"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    found = fairshard.verify(folder / "out", quiet=True)
    assert not found.agrees
    assert [check.name for check in found.checks if check.result == "differs"] == ["shards"]
    assert "found a difference" in str(found)


def test_drift_and_transfer_are_those_of_the_commands(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fairshard.rebalance("config.yaml", quiet=True)
    (folder / "more").mkdir()
    write_corpus(folder / "more", samples=100, shards=1)
    (folder / "more/in/00000.tar").rename(folder / "in/00009.tar")
    found = fairshard.drift("config.yaml", quiet=True)
    assert (found.advice, found.details["new"]["labelled_now"]) == ("append", 1)
    assert found.details["together"]["RB"]["by_plan"] > 0
    again = fairshard.drift("config.yaml", least=0.9, quiet=True)
    assert again.advice == "nothing" and "90.00% asked" in again.why[0]
    told = timeless(fairshard.drift("config.yaml", quiet=True).details)
    assert told == printed(capsys, "drift", "config.yaml")
    assert "advice: append" in str(found)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        fairshard.drift("config.yaml", least=2)

    other = fairshard.read_config("config.yaml", set={"output.url": "other"})
    with pytest.raises(FairshardError, match="run `fairshard label` first"):
        fairshard.transfer("out", other, check=True, quiet=True)
    applied = fairshard.transfer("out", other, quiet=True)
    assert applied.plan is not None and Path(applied.plan).exists()
    assert applied.details["bias"]["RB"]["asked"] == 0.01
    checked = fairshard.transfer(folder / "out", other, check=True, quiet=True)
    assert (checked.plan, checked.rate, checked.met) == (None, applied.rate, applied.met)
    assert "nothing was written: this is a check" in str(checked)
    with pytest.raises(StaleError, match="was solved for this corpus"):
        fairshard.solve(other, restart=True, quiet=True)
        fairshard.transfer("out", other, quiet=True)


@contextmanager
def interrupted_when(said: str) -> Iterator[None]:
    """Control-C at the event of this message, in the block."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == said:
                signal.raise_signal(signal.SIGINT)

    handler, level = Handler(), LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(level)


def test_control_c_stops_a_run_and_the_next_call_goes_on(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fairshard.label("config.yaml", quiet=True)
    with interrupted_when("stage started"), pytest.raises(KeyboardInterrupt):
        fairshard.rebalance("config.yaml", quiet=True)
    assert "interrupted; run the same command again to go on" in caplog.text
    assert json.loads((folder / "out" / "done" / "run.json").read_text())["error"] == "interrupted"
    assert fairshard.rebalance("config.yaml", quiet=True).read == 200


class ZMQInteractiveShell:
    """What notebooks are known by."""


def test_a_notebook_gets_lines_and_texts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not bars, though its standard error says that it is a terminal, nor pictures of lines."""
    monkeypatch.setattr(builtins, "get_ipython", ZMQInteractiveShell, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    found = fairshard.label("config.yaml")
    assert str(found).startswith("2 shards labelled (2 in this run): 200 samples, 0 rejected\n")
    said = capsys.readouterr().err
    assert said.startswith("2 shards are to be labelled: none is yet\n")
    assert "\x1b" not in said


SCRIPT = f"""
import logging, fairshard
values = {VALUES!r}
print(fairshard.label(values).samples)
print(logging.getLogger().handlers, logging.getLogger().level, logging.getLogger("fairshard").level)
"""


@pytest.mark.parametrize("way", ["a script", "standard input"])
def test_a_plain_script_will_do_and_its_logging_stays_its_own(folder: Path, way: str) -> None:
    """With Beam's worker processes, and no `if __name__ == "__main__"`."""
    script = folder / "script.py"
    script.write_text(SCRIPT)
    words = [str(script)] if way == "a script" else ["-"]
    done = subprocess.run(
        [sys.executable, *words],
        input=SCRIPT if way == "standard input" else None,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["200", "[] 30 0"]
    said, *progress = done.stderr.splitlines()
    assert said == "2 shards are to be labelled: none is yet"
    assert all(line.startswith("label: ") for line in progress)
