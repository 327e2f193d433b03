"""The DAGs in a real Airflow: imported, run to the end on both engines, killed, asked."""

import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.cli import main
from tests.airflow_home import AirflowHome, DagRun

pytestmark = pytest.mark.airflow
_STAGES = {
    "label",
    "gate_labels",
    "solve",
    "gate_plan",
    "plan",
    "weigh",
    "resample",
    "gate_output",
    "report",
}
_ENGINES = ("beam", "dataflow", "spark")
_PATIENCE = 300.0
_LOOK_EVERY = 0.2
_IMPORTED = """
import sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
print("errors", bag.import_errors, "warnings", bag.captured_warnings, "dags", sorted(bag.dags))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> AirflowHome:
    home = AirflowHome(tmp_path_factory.mktemp("airflow"))
    home.run("airflow", "db", "migrate")
    return home


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "corpus"
    with pytest.raises(SystemExit, match="0"):
        main(["corpus", str(folder), "--samples", "1600", "--shards", "8"])
    return folder


def conf_for(corpus: Path, output: Path, **values: Any) -> dict[str, Any]:
    return {"config": str(corpus / "config.yaml"), "output": str(output), **values}


def tars(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(output.glob("shards/*.tar"))}


def wait_for(condition: Callable[[], object], run: DagRun) -> None:
    """Look until `condition` holds; it must before the run ends or patience does."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(_LOOK_EVERY)
        assert run.process.poll() is None, run.log.read_text()[-8000:]
        assert time.monotonic() < deadline, run.log.read_text()[-8000:]


@pytest.fixture(scope="module")
def by_hand(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    output = tmp_path_factory.mktemp("by-hand") / "out"
    with pytest.raises(SystemExit, match="0"):
        main(["rebalance", str(corpus / "config.yaml"), "--output", str(output)])
    return tars(output)


def test_the_dags_are_imported_without_an_error_or_a_warning(airflow: AirflowHome) -> None:
    said = airflow.run(
        "python", "-W", "error::DeprecationWarning:fairshard", "-c", _IMPORTED,
        airflow.environment["AIRFLOW__CORE__DAGS_FOLDER"],
    )  # fmt: skip
    assert "errors {} warnings {} dags" in said
    names = [f"fairshard_{grow}{engine}" for grow in ("", "grow_") for engine in _ENGINES]
    assert str(sorted(names)) in said


@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_a_run_goes_to_its_end_with_bias_as_xcom_and_the_report_as_link(
    airflow: AirflowHome, corpus: Path, tmp_path: Path, by_hand: dict[str, bytes], engine: str
) -> None:
    conf = conf_for(corpus, tmp_path / "out", approve_above=1.0)
    with airflow.testing(f"fairshard_{engine}", conf) as run:
        states = run.ended()
        assert {task for task, state in states.items() if state == "success"} == _STAGES, (
            run.log.read_text()[-8000:]
        )
        assert states["approve"] == "skipped"
        report = run.xcom("report")
        assert report["bias"]["RB"]["after"] < report["bias"]["RB"]["before"] / 3
        assert run.xcom("plan")["bias"]["predicted"]["RB"] < 0.011
        assert run.xcom("report", "_link_ReportLink") == report["report"]
        assert Path(report["report"]).is_file()
    assert tars(tmp_path / "out") == by_hand


def test_a_killed_task_is_retried_and_goes_on_where_it_was(
    airflow: AirflowHome, corpus: Path, tmp_path: Path, by_hand: dict[str, bytes]
) -> None:
    output = tmp_path / "out"
    conf = conf_for(corpus, output, approve_above=1.0)
    with airflow.testing("fairshard_beam", conf) as run:
        wait_for(lambda: len(list(output.glob("done/labels/*.json"))) > 1, run)
        for process in run.commands():
            process.kill()
        done = {path: path.stat().st_mtime_ns for path in output.glob("done/labels/*.json")}
        assert 0 < len(done) < 8
        states = run.ended()
        assert {task for task, state in states.items() if state == "success"} == _STAGES
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert tars(output) == by_hand


@pytest.mark.parametrize(("choice", "resampled"), [("Approve", "success"), ("Reject", "skipped")])
def test_a_plan_that_drops_much_waits_for_a_person(
    airflow: AirflowHome, corpus: Path, tmp_path: Path, choice: str, resampled: str
) -> None:
    conf = conf_for(corpus, tmp_path / "out", approve_above=0.3)
    with airflow.testing("fairshard_beam", conf) as run:
        wait_for(lambda: run.run_id and run.states().get("approve") == "awaiting_input", run)
        with airflow.api() as api:
            api.answer(run, "approve", choice)
        assert run.ended()["resample"] == resampled
    assert bool(tars(tmp_path / "out")) == (choice == "Approve")


def test_an_unmet_plan_is_not_tried_again_but_waits_for_a_person(
    airflow: AirflowHome, corpus: Path, tmp_path: Path
) -> None:
    config = yaml.safe_load((corpus / "config.yaml").read_text())
    config["balance"] |= {"eta": 0.9, "max_association_bias": None}
    (corpus / "unmet.yaml").write_text(yaml.safe_dump(config))
    conf = conf_for(corpus, tmp_path / "out", approve_above=1.0)
    conf["config"] = str(corpus / "unmet.yaml")
    with airflow.testing("fairshard_beam", conf) as run:
        wait_for(lambda: run.run_id and run.states().get("approve") == "awaiting_input", run)
        assert run.xcom("plan")["met"] is False
        with airflow.api() as api:
            api.answer(run, "approve", "Approve")
        states = run.ended()
        assert run.xcom("report")["met"] is False
    assert {task for task, state in states.items() if state == "success"} == {*_STAGES, "approve"}
    assert run.tries("solve") == run.tries("resample") == 1


def test_a_failed_gate_stops_the_run(airflow: AirflowHome, corpus: Path, tmp_path: Path) -> None:
    expected = tmp_path / "expectations.yaml"
    expected.write_text(
        yaml.safe_dump(
            [
                {
                    "stage": "labels",
                    "type": "expect_table_row_count_to_be_between",
                    "min_value": 10**9,
                    "severity": "critical",
                }
            ]
        )
    )
    config = yaml.safe_load((corpus / "config.yaml").read_text())
    config["gates"] = {"expectations": str(expected)}
    (corpus / "strict.yaml").write_text(yaml.safe_dump(config))
    conf = {**conf_for(corpus, tmp_path / "out"), "config": str(corpus / "strict.yaml")}
    with airflow.testing("fairshard_beam", conf) as run:
        states = run.ended()
    assert states["gate_labels"] == "failed"
    assert states["solve"] == "upstream_failed"
    assert not (tmp_path / "out" / "plan").exists()


def test_a_corpus_that_grows_is_added_to_or_left_alone(
    airflow: AirflowHome, corpus: Path, tmp_path: Path
) -> None:
    inputs, output = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(corpus, inputs)
    config = yaml.safe_load((inputs / "config.yaml").read_text())
    config["gates"] = {"enabled": False}
    (inputs / "config.yaml").write_text(yaml.safe_dump(config))
    shards = sorted(inputs.rglob("*.tar"))
    kept = shards[-1].rename(tmp_path / shards[-1].name)
    conf = conf_for(inputs, output)

    def ended(dag: str, **values: Any) -> tuple[dict[str, str], dict[str, Any]]:
        with airflow.testing(dag, {**conf, **values}) as run:
            states = run.ended()
            assert "failed" not in states.values(), run.log.read_text()[-8000:]
            return states, run.xcom("drift")

    states, drift = ended("fairshard_grow_beam")
    assert (states["append"], drift["seen"]["shards"]) == ("success", 0)
    before = tars(output)
    kept.rename(shards[-1])
    states, drift = ended("fairshard_grow_beam", least=0.9)
    assert (drift["advice"], drift["new"]["shards"], states["append"]) == ("nothing", 1, "skipped")
    assert {name for name, state in states.items() if state == "success"} == {
        "label",
        "drift",
        "decide",
        "nothing",
    }
    states, drift = ended("fairshard_grow_spark")
    assert (drift["advice"], states["append"], states["report"]) == ("append",) + ("success",) * 2
    grown = tars(output)
    assert before.items() < grown.items()
    shards[0].unlink()
    with airflow.testing("fairshard_grow_beam", conf) as run:
        wait_for(lambda: run.run_id and run.states().get("approve") == "awaiting_input", run)
        with airflow.api() as api:
            api.answer(run, "approve", "Reject")
        assert run.ended()["rebuild"] == "skipped"
    assert tars(output) == grown
