"""A gate's result belongs to what it checked: without one that passed, a run is not done."""

import json
from pathlib import Path

import pytest
import yaml

from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.gated import write_own

FAILING = {
    "stage": "output",
    "type": "expect_column_values_to_be_between",
    "table": "shards",
    "column": "bytes",
    "max_value": 1,
    "says": "shards are tiny",
}
PASSING = {**FAILING, "max_value": 10**9}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration whose output fails its gate; its first run."""
    folder = tmp_path_factory.mktemp("again")
    write_corpus(folder, samples=90, shards=2)
    own = write_own(folder, FAILING)
    config = config_of(
        folder,
        gates={"expectations": own},
        balance={"eta": 0.5, "max_representation_bias": 0.2, "max_association_bias": 0.3},
    )
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert run("rebalance", path, "--", "--direct_num_workers=1") == 4
    return path


def times(path: Path) -> dict[str, int]:
    files = (path.parent / "out").rglob("*.*")
    passing = ("work.json", "run.json", "running.json", "metrics.prom", "settings")
    return {str(f): f.stat().st_mtime_ns for f in files if f.name not in passing}


def rerun(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = run("rebalance", path)
    return code, capsys.readouterr().err


def test_a_failed_gate_fails_until_it_passes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        code, said = rerun(path, capsys)
        assert code == 4
        assert "the gate of the output failed: shards are tiny" in said
    shards = path.parent / "out" / "shards"
    before = {shard: shard.stat().st_mtime_ns for shard in shards.iterdir()}
    write_own(path.parent, PASSING)
    assert rerun(path, capsys)[0] == 0
    assert {shard: shard.stat().st_mtime_ns for shard in shards.iterdir()} == before
    done = times(path)
    assert rerun(path, capsys)[0] == 0
    assert times(path) == done

    validations = path.parent / "out" / "validations"
    for name, size in (("output.json", 0), ("output-shards.html", 99), ("labels.json", 50)):
        whole = (validations / name).read_bytes()
        (validations / name).write_bytes(whole[:size])
        (validations / "index.html").unlink(missing_ok=True)
        assert rerun(path, capsys)[0] == 0
        assert len((validations / name).read_bytes()) == len(whole)
        assert (validations / "index.html").exists()

    output = validations / "output.json"
    values = json.loads(output.read_text())
    values["belongs_to"]["of"] = "another manifest"
    output.write_text(json.dumps(values))
    assert rerun(path, capsys)[0] == 0
    assert json.loads(output.read_text())["belongs_to"]["of"] != "another manifest"
    write_own(path.parent, FAILING)
    assert rerun(path, capsys)[0] == 4
    assert run("gate", "output", path) == 4
    assert run("resample", path) == 0
    assert rerun(path, capsys)[0] == 4
