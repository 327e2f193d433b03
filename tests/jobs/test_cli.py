"""The command as a person types it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
import yaml

from jobs.cli import application, main
from tests.fixtures import write_corpus
from transforms.config.files import parse_config

QUICK = ["--", "--runner=FnApiRunner"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_corpus(tmp_path, samples=200, shards=2)
    values = {
        "input": {"shards": "in/*.tar"},
        "attributes": {
            "gender": {
                "share_of": "group",
                "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
            }
        },
        "labels": {"thing": {"field": "words", "names": ["doctor", "nurse"]}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def edited(config: Path, old: str, new: str) -> Path:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new))
    return config


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["fairshard", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_a_rebalance_says_what_was_done_and_a_second_finds_it_done(config: Path) -> None:
    command = [sys.executable, "-m", "jobs.cli", "rebalance", str(config), "--json"]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    assert "Traceback" not in first.stderr
    summary = json.loads(first.stdout)
    samples = summary["samples"]
    assert samples["in"] == 200 == samples["kept"] + samples["dropped"] + samples["rejected"]
    assert summary["bias"]["RB"]["after"] < summary["bias"]["RB"]["before"]
    assert summary["bias"]["RB"]["status"] == "met"
    assert summary["certificate"]["gap"] <= 1e-6
    assert set(summary["seconds"]) == {"label", "solve", "resample"}
    assert Path(summary["report"]).is_file()
    manifest = config.parent / "out" / "manifest.json"
    written = manifest.stat().st_mtime_ns
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "nothing to do" in again.stderr
    assert json.loads(again.stdout)["samples"] == samples
    assert manifest.stat().st_mtime_ns == written


def test_stages_one_by_one(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stage, said in [
        ("label", "2 shards labelled (2 in this run): 200 samples, 0 rejected"),
        ("label", "2 shards labelled (0 in this run)"),
        ("solve", "200 samples in"),
        ("resample", "200 samples in:"),
    ]:
        assert run(monkeypatch, stage, config, *QUICK) == 0
        assert said in " ".join(capsys.readouterr().out.split())
    output = config.parent / "out"
    (output / "report" / "index.html").unlink()
    assert run(monkeypatch, "report", output) == 0
    assert (output / "report" / "index.html").is_file()


def test_solving_says_what_cannot_be_met_and_what_can(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "label", config, *QUICK) == 0
    edited(config, "eta: 0.5", "eta: 0.99")
    capsys.readouterr()
    assert run(monkeypatch, "solve", config, *QUICK) == 5
    said = capsys.readouterr().out
    before, drawn = r"0\.\d{4} ± 0\.\d{4} before", r"0\.\d{4} after, as drawn"
    line = rf"^representation bias +{before}, {drawn} \(gender\.w?o?man\); "
    assert re.search(rf"{line}asked for <= 0\.0100: missed by 0\.\d+$", said, re.MULTILINE)
    assert " patterns at eta = 0.99 " in said
    assert re.search(r"^cannot be met (together )?at eta = 0\.99: ", said, re.MULTILINE)
    assert re.search(r"^what would do: [\d,]+ more samples", said, re.MULTILINE)
    largest = re.search(r"^or eta <= (0\.\d+)$", said, re.MULTILINE)
    assert largest is not None
    edited(config, "eta: 0.99", "eta: auto")
    assert run(monkeypatch, "solve", config, *QUICK) == 0
    said = capsys.readouterr().out
    auto = re.search(r"at eta = (\S+) \(auto: the largest at which all is attainable", said)
    assert auto is not None
    assert float(auto[1]) == pytest.approx(float(largest[1]), abs=1e-3)
    assert "cannot be met" not in said


def test_a_plan_that_does_not_fit_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "label", config, *QUICK) == 0
    assert run(monkeypatch, "solve", config, *QUICK) == 0
    edited(config, "eta: 0.5", "eta: 0.4")
    assert run(monkeypatch, "resample", config, *QUICK) == 3
    assert "was made from other config.balance: run `fairshard solve`" in capsys.readouterr().err


def test_stages_out_of_order_say_what_to_run(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "solve", config) == 1
    assert "2 of 2 shards (00000--" in capsys.readouterr().err
    assert run(monkeypatch, "report", config.parent / "out") == 1
    assert "plan.json is missing" in capsys.readouterr().err


def test_check_says_what_would_run(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check", config, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["shards"] == 2
    assert abs(summary["samples_estimated"] - 200) <= 10
    assert run(monkeypatch, "check", config) == 0
    assert "the configuration is valid: 2 shards" in capsys.readouterr().out
    assert not (config.parent / "out").exists()


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("eta: 0.5", "etta: 0.5", 2, "balance.etta: unknown key"),
        (
            "in/*.tar",
            "nowhere/*.tar",
            1,
            "no shard (.tar, .tar.gz, .tgz, ",
        ),
        ("eta: 0.5", "eta: [", 2, "is not valid YAML"),
    ],
)
def test_a_mistake_is_one_sentence(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    code: int,
    expected: str,
) -> None:
    assert run(monkeypatch, "rebalance", edited(config, old, new), *QUICK) == code
    error = capsys.readouterr().err
    assert expected in error
    assert "Traceback" not in error


def test_an_option_that_nothing_knows_is_named(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "rebalance", config, "--outptu", "elsewhere") == 2
    assert "unknown option --outptu" in capsys.readouterr().err


def test_the_example_of_init_is_valid(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "init") == 0
    example = capsys.readouterr().out
    assert parse_config(example, "example").balance.eta == 0.7
    uncommented = "\n".join(
        line.replace("# ", "", 1) if line.lstrip().startswith("# ") and ":" in line else line
        for line in example.splitlines()[2:]
    )
    assert parse_config(uncommented, "uncommented").model is not None


def test_every_command_answers_in_json_and_those_that_read_a_configuration_set_keys() -> None:
    commands = typer.main.get_command(application()).commands  # type: ignore[attr-defined]
    assert len(commands) > 15
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        reads = any("CONFIG" in (parameter.metavar or "") for parameter in command.params)
        assert "--json" in options, name
        assert ("--set" in options) == reads, name


def test_every_command_has_help_with_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [
        "corpus",
        "init",
        "check",
        "preview",
        "label",
        "solve",
        "resample",
        "rebalance",
        "report",
    ]
    names += ["verify", "frontier", "compare", "suggest", "calibrate"]
    names += ["status", "failed", "clean"]
    for name in names:
        assert run(monkeypatch, name, "--help") == 0
        assert f"fairshard {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "named"), [("check", "lexicon ("), ("export", "weights: "), ("compare", "raking: ")]
)
def test_help_names_what_can_be_added(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, named: str
) -> None:
    assert run(monkeypatch, name, "--help") == 0
    assert named in capsys.readouterr().out
