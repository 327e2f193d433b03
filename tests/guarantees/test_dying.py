"""Every row of the table in docs/guarantees.md: a run is killed there, and run again."""

import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fixtures import config_of, tree, write_corpus
from tests.loading import ROOT
from tests.processes import Place, Run, held, start

GUARANTEES = ROOT / "docs" / "guarantees.md"


@dataclass(frozen=True)
class Row:
    """Where a run dies; how many shards are labelled and written by then, and stay as they are.

    `half` says whether a hidden file of the dead attempt is left.
    """

    place: Place
    labelled: int = 2
    written: int = 0
    half: bool = False


ROWS = {
    "before a label table is written": Row(Place("before", "labels/*.parquet", 2), labelled=1),
    "between a label table and its publishing": Row(
        Place("written", "labels/*.parquet", 2), labelled=1, half=True
    ),
    "between a label table and its record": Row(
        Place("before", "done/labels/*.json", 2), labelled=1
    ),
    "while counting": Row(Place("call", "transforms.stages.solving:count_shard", 2)),
    "while solving": Row(Place("call", "transforms.plan.make:plan_of")),
    "while drawing": Row(Place("call", "transforms.stages.drawing:draw_shard", 2)),
    "between the patterns and the flips": Row(Place("before", "plan/flips.parquet")),
    "between the flips and what shards give": Row(Place("before", "plan/draw.parquet")),
    "between what shards give and the plan": Row(Place("before", "plan/plan.json")),
    "between the plan and its publishing": Row(Place("written", "plan/plan.json"), half=True),
    "before an output shard is written": Row(Place("before", "shards/*.tar", 2), written=1),
    "amid an output shard": Row(
        Place("call", "transforms.shards.block_writer:_write_back", 2), written=1, half=True
    ),
    "between an output shard and its publishing": Row(
        Place("written", "shards/*.tar", 2), written=1, half=True
    ),
    "between an output shard and the table beside it": Row(
        Place("before", "shards/*.parquet", 2), written=1
    ),
    "between the table beside an output shard and its publishing": Row(
        Place("written", "shards/*.parquet", 2), written=1, half=True
    ),
    "between an output shard and its record": Row(
        Place("before", "done/shards/*.json", 2), written=1
    ),
    "before the sizes of the shards are written": Row(
        Place("before", "shards/sizes.json"), written=3
    ),
    "before the manifest is written": Row(Place("before", "manifest.json"), written=3),
    "between the manifest and its publishing": Row(
        Place("written", "manifest.json"), written=3, half=True
    ),
    "while the report is built": Row(Place("before", "report/index.html"), written=3),
    "between the report and its publishing": Row(
        Place("written", "report/index.html"), written=3, half=True
    ),
    "before the run's metrics are written": Row(Place("before", "metrics.prom"), written=3),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus, its configuration, and the output of an undisturbed run."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=60, shards=2)
    config_file(folder, "config.yaml")
    assert rebalance(folder, "undisturbed").end() == 0
    return folder


def config_file(corpus: Path, name: str, **changes: Any) -> None:
    values = {
        "balance": {"eta": 0.4, "max_representation_bias": 0.2},
        "output": {"url": "out", "samples_per_shard": 10},
        "gates": {"enabled": False},
    }
    config = config_of(corpus, **(values | changes))
    (corpus / name).write_text(yaml.safe_dump(config.model_dump(mode="json")))


def rebalance(corpus: Path, output: str, place: Place | None = None) -> Run:
    return start(corpus / f"{output}.log", *command(corpus, output), place=place)


def command(corpus: Path, output: str, config: str = "config.yaml") -> tuple[object, ...]:
    return "rebalance", corpus / config, "--allow-unmet", f"--output={corpus / output}"


def artefacts(output: Path) -> dict[str, Any]:
    """All that an output holds; of records all but how long the work took."""
    records = {
        str(path.relative_to(output)): {**json.loads(path.read_bytes()), "seconds": None}
        for folder in ("labels", "shards")
        for path in sorted((output / "done" / folder).iterdir())
    }
    return {**tree(output), **records}


def hidden(output: Path) -> list[Path]:
    return list(output.rglob(".*"))


def half_written(output: Path) -> list[Path]:
    """The artefacts that a run left half, but for its own record, which it writes at any time."""
    return [path for path in hidden(output) if final_of(path) != output / "done" / "run.json"]


def final_of(path: Path) -> Path:
    """What a hidden file was to become."""
    return path.with_name(path.name[1:].rsplit(".", 2)[0])


def finished(output: Path, records: str) -> dict[Path, tuple[int, int]]:
    """What the records in a folder vouch for, and they themselves: which file, and of when."""
    paths = []
    for record in (output / "done" / records).glob("[!.]*.json"):
        vouched = f"labels/{record.stem}.parquet", f"rejects/{record.stem}.parquet"
        names = vouched if records == "labels" else (f"shards/{record.stem}.tar",)
        paths += [record, *(output / name for name in names)]
    return as_they_are(paths)


def planned(output: Path) -> dict[Path, tuple[int, int]]:
    """The plan and all that it vouches for, where it is published."""
    folder = output / "plan"
    return as_they_are([*folder.iterdir()] if (folder / "plan.json").exists() else [])


def as_they_are(paths: list[Path]) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


@pytest.mark.parametrize("name", ROWS)
def test_a_run_that_was_killed_is_run_again(corpus: Path, name: str) -> None:
    row = ROWS[name]
    output = corpus / re.sub(r"\W+", "-", name)
    assert rebalance(corpus, output.name, row.place).end() == -signal.SIGKILL
    labelled, written = finished(output, "labels"), finished(output, "shards")
    plans = planned(output)
    assert (len(labelled), len(written)) == (3 * row.labelled, 2 * row.written)
    assert bool(plans) >= bool(written)
    half = half_written(output)
    assert bool(half) == row.half
    assert not any(final_of(path).exists() for path in half)
    assert list((output / "done" / "running").iterdir())

    again = rebalance(corpus, output.name)
    assert again.end() == 0, again.log.read_text()
    assert artefacts(output) == artefacts(corpus / "undisturbed")
    kept = finished(output, "labels") | finished(output, "shards")
    assert labelled.items() | written.items() <= kept.items()
    assert plans.items() <= planned(output).items()
    assert hidden(output) == []
    assert not list((output / "done" / "running").iterdir())
    assert (output / "report" / "index.html").exists()


def test_the_table_has_these_rows() -> None:
    table = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GUARANTEES.read_text(), re.MULTILINE)
    assert set(ROWS) <= set(table)


def test_two_runs_of_one_configuration_at_once_write_the_same_bytes(corpus: Path) -> None:
    words = command(corpus, "twice")
    with held(corpus / "one.log", *words, place=Place("before", "done/labels/*.json")) as one:
        other = start(corpus / "other.log", *words)
        assert other.end() == 0, other.log.read_text()
        assert list((corpus / "twice" / "done" / "running").iterdir())
    assert one.end() == 0, one.log.read_text()
    assert artefacts(corpus / "twice") == artefacts(corpus / "undisturbed")
    assert hidden(corpus / "twice") == []
    assert not list((corpus / "twice" / "done" / "running").iterdir())


def test_a_run_of_another_configuration_is_refused_meanwhile(corpus: Path) -> None:
    config_file(corpus, "seeded.yaml", seed=1)
    words = command(corpus, "refused")
    with held(corpus / "one.log", *words, place=Place("before", "shards/*.tar")) as one:
        before = {path: path.stat().st_mtime_ns for path in (corpus / "refused").rglob("*.*")}
        other = start(corpus / "other.log", *command(corpus, "refused", "seeded.yaml"))
        assert other.end() == 1
        after = {path: path.stat().st_mtime_ns for path in (corpus / "refused").rglob("*.*")}
    said = other.log.read_text()
    assert f"another run with another configuration writes to {corpus / 'refused'}" in said
    assert f"process {one.process.pid} on " in said
    assert "Traceback" not in said
    assert before == after
    assert one.end() == 0, one.log.read_text()
    assert artefacts(corpus / "refused") == artefacts(corpus / "undisturbed")
