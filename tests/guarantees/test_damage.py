"""Outputs that were damaged after they were finished: what is mended, and that the rest stays."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.look import status
from jobs.run import rebalance
from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from tests.inprocess import Dying, InProcess
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.storage.files import output_storage

PLAN = ("plan.json", "patterns.parquet", "flips.parquet", "draw.parquet")
KEPT = ("labels", "rejects", "plan", "shards", "done/labels", "done/shards", "manifest.json")


def said(config: Config) -> list[str]:
    console = quiet()
    rebalance.run(config, InProcess(), console)
    return str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A corpus of 3 shards, its output, and a copy of that, from which each test begins."""
    folder = tmp_path_factory.mktemp("damage")
    write_corpus(folder, samples=120, shards=3)
    config = config_of(
        folder, gates={"enabled": False}, output={"url": "out", "samples_per_shard": 15}
    )
    said(config)
    shutil.copytree(folder / "out", folder / "kept")
    return config


@pytest.fixture
def out(config: Config) -> Path:
    """The output as it was finished."""
    path = Path(config.output.url)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(path.with_name("kept"), path)
    return path


def as_they_are(out: Path) -> dict[str, tuple[int, int]]:
    files = [path for part in KEPT for path in (out / part, *(out / part).glob("*"))]
    return {
        str(path.relative_to(out)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in files
        if path.is_file()
    }


def at(out: Path, name: str) -> Path:
    """The artefact `name`, the digest of an input shard's name left out."""
    (found,) = out.glob(name.replace(".", "*.") if "/0" in name else name)
    return found


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def lengthened(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(512))


def another(path: Path) -> None:
    path.write_bytes(min(path.parent.iterdir()).read_bytes())


DAMAGE: list[tuple[Callable[[Path], None], str, set[str], str]] = [
    (
        cut,
        "shards/00001.tar",
        {"shards/00001.tar", "done/shards/00001.json", "manifest.json"},
        "output shards is written again: its file is cut short",
    ),
    (
        lengthened,
        "shards/00001.tar",
        {"shards/00001.tar", "done/shards/00001.json", "manifest.json"},
        "output shards is written again: its file is longer than recorded",
    ),
    (
        Path.unlink,
        "done/shards/00002.json",
        {"shards/00002.tar", "done/shards/00002.json", "manifest.json"},
        "output shards is written again: it has no record that can be read",
    ),
    (
        cut,
        "done/shards/00002.json",
        {"shards/00002.tar", "done/shards/00002.json", "manifest.json"},
        "output shards is written again: it has no record that can be read",
    ),
    *(
        (damage, name, {name, *records, "manifest.json"}, f"{name} beside the shards is {again}")
        for name, records in (
            ("shards/00001.parquet", ["done/shards/00001.json"]),
            ("shards/sizes.json", []),
        )
        for damage, again in (
            (Path.unlink, "written again: its file is lost"),
            (cut, "written again: its file is cut short"),
            (lengthened, "written again: its file is longer than recorded"),
        )
    ),
    (
        cut,
        "labels/00001.parquet",
        {"labels/00001.parquet", "rejects/00001.parquet", "done/labels/00001.json"},
        "1 with a table of labels or rejects that was cut or changed; 2 are kept",
    ),
    (
        cut,
        "rejects/00001.parquet",
        {"labels/00001.parquet", "rejects/00001.parquet", "done/labels/00001.json"},
        "1 with a table of labels or rejects that was cut or changed; 2 are kept",
    ),
    (
        Path.unlink,
        "done/labels/00001.json",
        {"labels/00001.parquet", "rejects/00001.parquet", "done/labels/00001.json"},
        "1 of 3 shards is labelled again: 1 without a record; 2 are kept",
    ),
    (
        another,
        "done/labels/00001.json",
        {"labels/00001.parquet", "rejects/00001.parquet", "done/labels/00001.json"},
        "1 of 3 shards is labelled again: 1 with the record of another shard; 2 are kept",
    ),
    (
        cut,
        "plan/patterns.parquet",
        {f"plan/{part}" for part in PLAN},
        "the plan is made again: plan/patterns.parquet is cut short",
    ),
    *(
        (
            damage,
            f"plan/{name}.parquet",
            {f"plan/{part}" for part in PLAN},
            f"the plan is made again: plan/{name}.parquet is {fault}",
        )
        for name in ("flips", "draw")
        for damage, fault in ((cut, "cut short"), (Path.unlink, "lost"))
    ),
    (Path.unlink, "manifest.json", {"manifest.json"}, "this plan's are kept"),
]


@pytest.mark.parametrize(("damage", "name", "mended", "line"), DAMAGE)
def test_what_is_damaged_is_mended_and_nothing_else(
    config: Config,
    out: Path,
    damage: Callable[[Path], None],
    name: str,
    mended: set[str],
    line: str,
) -> None:
    whole, before = tree(out), as_they_are(out)
    damage(at(out, name))
    lines = said(config)
    assert any(line in one for one in lines), lines
    assert tree(out) == whole
    after = as_they_are(out)
    changed = {path for path in after if after[path] != before.get(path)}
    assert {re.sub(r"--\w+", "", path) for path in changed} == mended
    assert said(config)[-1] == "the output is complete: nothing to do"
    assert as_they_are(out) == after


@pytest.mark.parametrize("name", ["done/claimed.json", "done/settings/*.json"])
def test_what_a_run_notes_for_the_next_is_made_again(config: Config, out: Path, name: str) -> None:
    (note,) = out.glob(name)
    whole = note.read_bytes()
    note.write_bytes(b"{")
    assert said(config)[-1] == "the output is complete: nothing to do"
    assert note.read_bytes() == whole


def test_what_verify_says_of_a_table_of_the_same_size_mends_it(
    config: Config, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, table = tree(out), at(out, "labels/00001.parquet")
    table.write_bytes(bytes(table.stat().st_size))
    assert run("verify", out) == 1
    assert f"{table.name} is not Parquet that can be read: delete it" in capsys.readouterr().err
    table.unlink()
    said(config)
    assert tree(out) == whole


@pytest.mark.parametrize("damage", [Path.unlink, cut])
def test_a_lost_or_cut_report_is_built_again(
    config: Config, out: Path, damage: Callable[[Path], None]
) -> None:
    page = (out / "report" / "index.html").read_bytes()
    before = as_they_are(out)
    damage(out / "report" / "index.html")
    said(config)
    assert (out / "report" / "index.html").read_bytes()[-200:] == page[-200:]
    assert as_they_are(out) == before


def test_status_says_that_an_output_is_damaged(config: Config, out: Path) -> None:
    def states() -> dict[str, str]:
        found = status.run(output_storage(config.output))
        return {stage["stage"]: stage["state"] for stage in found["stages"]}

    assert states()["resample"] == "done"
    cut(out / "shards" / "00000.tar")
    cut(at(out, "labels/00000.parquet"))
    assert states() == {"label": "damaged", "solve": "done", "resample": "damaged"}


def test_a_copied_output_is_complete(config: Config, out: Path, tmp_path: Path) -> None:
    for path in sorted((out / "shards").iterdir()):
        (out / "shards" / "copy").write_bytes(path.read_bytes())
        (out / "shards" / "copy").replace(path)
    assert said(config)[-1] == "the output is complete: nothing to do"


def of(config: Config, **output: Any) -> Config:
    changed = config.output.model_copy(update=output)
    return config.model_copy(update={"output": changed})


FOREIGN = (
    "shards/00000.idx",
    "shards/wids.json",
    "shards/README.md",
    "shards/.nv-meta/index.sqlite",
    "shards/99999.tar",
    "labels/notes.parquet",
    "rejects/notes.parquet",
    "done/labels/notes.json",
    "done/shards/notes.json",
    "plan/notes.txt",
    "validations/notes.html",
    "report/notes.html",
    "notes.txt",
)


def test_files_of_others_count_for_nothing_and_stay(config: Config, out: Path) -> None:
    for name in FOREIGN:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("{}")
    before = as_they_are(out)
    lines = said(config)
    assert lines[-1] == "the output is complete: nothing to do"
    assert not any("left aside" in line for line in lines)
    assert as_they_are(out) == before
    said(of(config, samples_per_shard=30))
    ours = sorted(path.name for path in (out / "shards").glob("0*.tar"))
    assert ours == [f"{number:05d}.tar" for number in range(len(ours))]
    assert len(ours) < len(list((out.with_name("kept") / "shards").glob("*.tar")))
    said(of(config, samples_per_shard=60))
    assert all((out / name).read_text() == "{}" for name in FOREIGN)


def test_a_file_of_the_users_is_never_overwritten(config: Config, out: Path) -> None:
    """It has the very name of a shard that the run would write."""
    count = len(list((out / "shards").glob("*.tar")))
    mine = out / "shards" / f"{count:05d}.tar"
    mine.write_text("mine")
    before = as_they_are(out)
    with pytest.raises(Exception, match=rf"{count:05d}.tar would be overwritten, and no record"):
        said(of(config, samples_per_shard=7))
    assert as_they_are(out) == before
    assert mine.read_text() == "mine"


def test_a_first_run_overwrites_nothing(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    out = tmp_path / "mine"
    (out / "shards").mkdir(parents=True)
    (out / "shards" / "00007.tar").write_text("mine")
    assert run("rebalance", path, f"--output={out}") == 1
    assert "shards/00007.tar would be overwritten" in capsys.readouterr().err
    assert [path.name for path in out.rglob("*")] == ["shards", "00007.tar"]


@pytest.mark.parametrize("name", ["metrics.prom", "validations/index.html", "plan/sample.parquet"])
def test_a_first_run_overwrites_no_page_and_no_figure(
    config: Config, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    assert run("rebalance", path, f"--output={tmp_path / 'mine'}") == 1
    assert f"{name} would be overwritten" in capsys.readouterr().err
    assert mine.read_text() == "mine"


def test_another_packing_that_was_not_finished_is_not_the_old_output(
    config: Config, out: Path
) -> None:
    whole = tree(out)
    with pytest.raises(KeyboardInterrupt):
        rebalance.run(of(config, samples_per_shard=20), Dying(2), quiet())
    assert not (out / "manifest.json").exists()
    assert not (out / "report" / "index.html").exists()
    said(config)
    assert tree(out) == whole


def test_an_output_of_before_claims_and_sizes_is_complete_and_is_mended(
    config: Config, out: Path
) -> None:
    (out / "done" / "claimed.json").unlink()
    for path in (*(out / "done" / "labels").iterdir(), *(out / "done" / "shards").iterdir()):
        values = json.loads(path.read_text())
        new = {"rejects_bytes", "rejects_digest", "table_version", "rejects_version", "version"}
        path.write_text(json.dumps({key: values[key] for key in values if key not in new}))
    plan = out / "plan" / "plan.json"
    values = json.loads(plan.read_text())
    del values["patterns"]
    plan.write_text(json.dumps(values))
    before = as_they_are(out)
    assert said(config)[-1] == "the output is complete: nothing to do"
    assert as_they_are(out) == before
    shards = tree(out)
    cut(out / "shards" / "00001.tar")
    said(config)
    assert tree(out) == shards
