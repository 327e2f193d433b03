"""An output that has grown is verified: each generation by its own plan, and all together."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from jobs.look.verify import run as verify
from tests.growing import add_shard, append, corpus, rebalance
from tests.tampering import Json, edit_json
from transforms.labels.tables import digest
from transforms.storage.files import Storage


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three generations, the last of them held to bounds of its own."""
    folder = tmp_path_factory.mktemp("grown")
    config = corpus(folder, "a", "b")
    rebalance(config)
    add_shard(folder, "c", women=0.3)
    append(config)
    add_shard(folder, "d", women=0.4)
    of_generation = {"generation": {"max_representation_bias": 0.2}}
    append(corpus(folder, balance={**config.balance.model_dump(mode="json"), **of_generation}))
    return folder


def results(folder: Path) -> dict[str, str]:
    """The checks that do not agree, and what is said of them."""
    quiet = Console(file=io.StringIO())
    found = verify(Storage(str(folder / "out")), None, "", None, True, quiet)
    return {one["name"]: one["remark"] for one in found["checks"] if one["result"] != "agrees"}


def test_a_grown_output_agrees(grown: Path) -> None:
    quiet = Console(file=io.StringIO())
    found = verify(Storage(str(grown / "out")), None, "", None, True, quiet)
    checks = {one["name"]: one for one in found["checks"]}
    assert {one["result"] for one in checks.values()} == {"agrees"}, checks
    assert checks["labels"]["checked"] == 4
    assert checks["generations"]["remark"] == "3 generations"
    written = json.loads((grown / "out" / "manifest.json").read_text())["totals"]["written"]
    assert checks["union"]["remark"] == f"{written:,} samples written"


def test_a_part_of_it_can_be_read(grown: Path) -> None:
    quiet = Console(file=io.StringIO())
    found = verify(Storage(str(grown / "out")), None, "", 1, True, quiet)
    checks = {one["name"]: one["result"] for one in found["checks"]}
    assert found["agrees"]
    assert checks["union"] == checks["draw"] == "not checked"


def _written_before(plan: Json) -> None:
    plan["written"]["samples"] += 1


def _moments(plan: Json) -> None:
    plan["written"]["moments"][0][-1] += 1


def _own_bound(plan: Json) -> None:
    row = next(row for row in plan["constraints"] if row.get("generation"))
    row["tolerance"] = 0.3


def _measured(manifest: Json) -> None:
    manifest["measures"]["share"][0] += 0.01


def _of_generation(manifest: Json) -> None:
    manifest["generations"][1]["measures"]["share"][0] += 0.01


def _samples(manifest: Json) -> None:
    manifest["generations"][0]["written"] += 1


def _order(manifest: Json) -> None:
    manifest["inputs"].reverse()


TAMPERING: dict[str, tuple[str, Callable[[Json], None], set[str]]] = {
    "samples before": ("plan/plan.json", _written_before, {"records", "generations", "union"}),
    "moments": ("plan/plan.json", _moments, {"generations", "certificate"}),
    "bound of a generation": ("plan/plan.json", _own_bound, {"what was asked", "generations"}),
    "measures": ("manifest.json", _measured, {"union"}),
    "measures of a generation": ("manifest.json", _of_generation, {"generations"}),
    "samples of a generation": ("manifest.json", _samples, {"generations"}),
    "order": ("manifest.json", _order, {"generations"}),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_what_is_changed_is_noticed(grown: Path, tmp_path: Path, what: str) -> None:
    name, change, checks = TAMPERING[what]
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    edit_json(copy / "out" / name, change)
    if name == "plan/plan.json":
        edit_json(copy / "out" / "generations" / "0002" / name, change)
    found = results(copy)
    assert checks <= found.keys(), found


@pytest.mark.parametrize("name", ["written.parquet", "manifest.json"])
def test_an_archive_that_is_cut_is_noticed(grown: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    path = copy / "out" / "generations" / "0001" / name
    if name == "written.parquet":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes() + b" ")
    assert "generations" in results(copy)


def _numbered(record: Json) -> None:
    record["first"] += 1


def _named(record: Json) -> None:
    record["labelled_by"]["labels"].reverse()


def _seen(record: Json) -> None:
    record["inputs"][0]["version"] = "other"


@pytest.mark.parametrize("change", [_numbered, _named, _seen])
def test_a_record_that_the_manifest_vouches_for_is_held_against_what_was_written(
    grown: Path, tmp_path: Path, change: Callable[[Json], None]
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    edit_json(copy / "out" / "generations" / "0001" / "generation.json", change)
    _vouch(copy, 1)
    assert results(copy).keys() == {"generations"}


def test_patterns_that_were_not_written_are_noticed(grown: Path, tmp_path: Path) -> None:
    """The next generation would be balanced beside them."""
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    path = copy / "out" / "generations" / "0002" / "written.parquet"
    table = pq.read_table(path)
    counts = table["count"].to_numpy().copy()
    counts[np.argmax(counts)] -= 1
    counts[np.argmin(counts)] += 1
    pq.write_table(table.set_column(1, "count", pa.array(counts)), path)
    _vouch(copy, 2)
    found = results(copy)
    assert found.keys() == {"generations"}
    assert "other patterns than those that generation 2 wrote" in found["generations"]


@pytest.mark.parametrize("name", ["patterns.parquet", "draw.parquet"])
def test_files_of_a_plan_are_those_of_the_last_generation(
    grown: Path, tmp_path: Path, name: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    archive, plan = copy / "out" / "generations" / "0001" / "plan", copy / "out" / "plan"
    shutil.copy(archive / name, plan / name)
    assert results(copy)["generations"] == f"plan/{name} is not that of the last generation"


def _vouch(folder: Path, number: int) -> None:
    """Make record and manifest vouch for what there is of a generation."""
    own = folder / "out" / "generations" / f"{number:04d}"

    def of_files(record: Json) -> None:
        for name in record["files"]:
            content = (own / name).read_bytes()
            record["files"][name] = {"bytes": len(content), "digest": digest(content)}

    def of_record(manifest: Json) -> None:
        record = (own / "generation.json").read_bytes()
        manifest["generations"][number]["record"] = digest(record)

    edit_json(own / "generation.json", of_files)
    edit_json(folder / "out" / "manifest.json", of_record)


def test_a_shard_of_an_earlier_generation_that_changed_is_named(
    grown: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(grown, copy)
    first = copy / "out" / "shards" / "00000.tar"
    content = bytearray(first.read_bytes())
    content[600] ^= 1
    first.write_bytes(content)
    assert results(copy)["shards"].startswith("generation 0: shards/00000.tar has ")
