"""Resumption: a change redoes what depends on it alone, says so, and gives a fresh run's bytes."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from jobs.cli import main
from jobs.run import dry_run, label, rebalance, resample, solve
from jobs.session.restart import discard, discards_of
from jobs.session.resume import STAGES_OF, work_on
from tests.fixtures import config_of, members_of, tree, write_corpus, write_tar
from tests.inprocess import InProcess
from tests.naming import named
from transforms.base.differences import differing, in_words
from transforms.base.errors import FairshardError, StaleError
from transforms.config.sections import Config
from transforms.labels.settings import settings_digest
from transforms.shards.finding import find_shards
from transforms.shards.naming import stem_of
from transforms.storage import paths
from transforms.storage.files import output_storage

SHARDS = ("00000", "00001", "00002", "00003")
ALL = STAGES_OF["rebalance"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus of 4 shards and its output."""
    folder = tmp_path_factory.mktemp("finished")
    write_corpus(folder, samples=160, shards=4)
    rebalance.run(ungated(folder), InProcess(), quiet())
    return folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """Another output of the same corpus, whose shards stay where they are."""
    shutil.copytree(finished / "out", tmp_path / "out")
    for shard in (finished / "in").iterdir():
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / shard.name).symlink_to(shard)
    return tmp_path


def quiet() -> Console:
    return Console(file=io.StringIO(), width=500)


def ungated(folder: Path, **changes: Any) -> Config:
    """A configuration without gates, which are passes of an engine."""
    return config_of(folder, gates={"enabled": False}, **changes)


def of(finished: Path, folder: Path, **changes: Any) -> Config:
    """The configuration of the finished corpus that writes to `folder`."""
    config = ungated(finished, **changes)
    url = str(folder / "out")
    return config.model_copy(update={"output": config.output.model_copy(update={"url": url})})


def said_by(job: Callable[..., Any], config: Config) -> list[str]:
    """What it says, but for its progress."""
    console = quiet()
    job(config, InProcess(), console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    return [line for line in lines if not line.startswith("solve: ")]


def versions(folder: Path) -> dict[str, int]:
    files = (path for path in (folder / "out").rglob("*") if path.is_file())
    return {str(path.relative_to(folder / "out")): path.stat().st_mtime_ns for path in files}


def rewritten(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """The labels, plan and output that are of another time, by the name of the shard or part."""
    changed = {name for name in after if before.get(name) != after[name]}
    labels = {stem_of(Path(name).stem) for name in changed if name.startswith("labels/")}
    plan = {"plan"} if "plan/plan.json" in changed else set()
    return (
        labels
        | plan
        | ({"output"} if any(name.startswith("shards/") for name in changed) else set())
    )


LABELS = {"thing": {"field": "words", "names": ["doctor", "nurse", "laptop"]}}
LEXICON = {
    "gender": {
        "share_of": "group",
        "names": {
            "woman": {"target": 0.5, "lexicon": ["woman", "doctor"]},
            "man": {"target": 0.5, "lexicon": ["man"]},
        },
    }
}
TARGETS = {
    "gender": {
        "share_of": "group",
        "names": {
            "woman": {"target": 0.4, "lexicon": ["woman"]},
            "man": {"target": 0.6, "lexicon": ["man"]},
        },
    }
}
BALANCE = {"eta": 0.5, "max_representation_bias": 0.01, "max_association_bias": 0.04}
OTHER_LIMITS = {"shards": "in/*.tar", "part_bytes": 50_000, "limits": {"max_reject_share": 0.5}}
OTHER_MEMBERS = {"shards": "in/*.tar", "limits": {"max_member_bytes": 10**6}}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"engine": {"name": "spark"}}, "the plan is kept"),
        ({"input": {**OTHER_LIMITS}}, "the labels of all 4 shards are kept"),
        ({"balance": {**BALANCE, "eta": 0.6}}, "the plan is made again: balance.eta changed"),
        (
            {"balance": {**BALANCE, "Q": 2.0, "V": 50.0}},
            "the plan is made again: balance.Q and balance.V changed",
        ),
        ({"seed": 7}, "the plan is made again: seed changed"),
        (
            {"attributes": TARGETS},
            "the plan is made again: attributes.gender.names.man.target and "
            "attributes.gender.names.woman.target changed",
        ),
        ({"seed": 7}, "the output is written again, unless the new plan is the same"),
        (
            {"output": {"url": "out", "samples_per_shard": 30}},
            "the output is written again: output.samples_per_shard changed",
        ),
        ({"labels": LABELS}, "all labels are made again: labels.thing.names.tie changed"),
        (
            {"attributes": LEXICON},
            "all labels are made again: attributes.gender.names.woman.lexicon changed",
        ),
        (
            {"utility": {"field": "quality"}},
            "all labels are made again: utility.field changed",
        ),
        (
            {"input": {**OTHER_MEMBERS}},
            "all labels are made again: input.limits.max_member_bytes changed",
        ),
        ({"labels": LABELS}, "the plan is made again: labels are made"),
    ],
)
def test_a_changed_key_is_named(
    finished: Path, folder: Path, changes: dict[str, Any], line: str
) -> None:
    config = of(finished, folder, **changes)
    assert line in [*work_on(config, find_shards(config.input), ALL).lines]


@pytest.mark.parametrize(
    ("changes", "redone"),
    [
        ({"input": {**OTHER_LIMITS}}, set()),
        ({"balance": {**BALANCE, "eta": 0.6}}, {"plan", "output"}),
        ({"output": {"url": "out", "samples_per_shard": 30}}, {"output"}),
        ({"labels": LABELS}, {*SHARDS, "plan", "output"}),
        ({"input": {**OTHER_MEMBERS}}, {*SHARDS, "plan"}),
    ],
)
def test_a_changed_key_redoes_what_depends_on_it_and_nothing_else(
    finished: Path, folder: Path, changes: dict[str, Any], redone: set[str]
) -> None:
    config = of(finished, folder, **changes)
    before = versions(folder)
    planned = dry_run.run(config, ALL, False)
    assert versions(folder) == before
    assert planned["stages"]["label"] == bool(redone & {*SHARDS})
    assert planned["stages"]["solve"] == ("plan" in redone)
    assert planned["stages"]["resample"] or "output" not in redone
    assert said_by(rebalance.run, config)[: len(planned["would_do"])] == planned["would_do"]
    assert rewritten(before, versions(folder)) == redone
    fresh = of(finished, folder / "fresh", **changes)
    InProcess().rebalance(fresh, find_shards(fresh.input))
    assert artefacts(folder / "out") == artefacts(folder / "fresh" / "out")


def artefacts(output: Path) -> dict[str, Any]:
    """What an output holds; of the plan, all but the configuration that it shows, and what there
    was time to find of why something is missed.
    """
    files: dict[str, Any] = tree(output)
    files.pop("plan/explanation.json", None)
    files["plan/plan.json"] = {**json.loads(files["plan/plan.json"]), "config": None}
    return files


def corpus_of(folder: Path) -> Config:
    """A corpus of its own in `folder`, finished."""
    write_corpus(folder, samples=160, shards=4)
    config = ungated(folder)
    rebalance.run(config, InProcess(), quiet())
    return config


def changed(folder: Path) -> None:
    truths = write_corpus(folder / "other", samples=60, shards=1, seed=5)
    members = {
        f"x{truth.key}.{extension}": content
        for truth in truths
        for extension, content in members_of(truth).items()
    }
    write_tar(folder / "in" / "00002.tar", members)


def added(folder: Path) -> None:
    changed(folder)
    (folder / "in" / "00002.tar").rename(folder / "in" / "00009.tar")
    shutil.copy2(folder / "kept.tar", folder / "in" / "00002.tar")


def removed(folder: Path) -> None:
    (folder / "in" / "00001.tar").unlink()


@pytest.mark.parametrize(
    ("change", "labelled", "lines"),
    [
        (
            changed,
            {"00002"},
            ["1 of 4 shards is labelled again: 1 changed (size); 3 are kept"],
        ),
        (added, {"00009"}, ["1 of 5 shards is labelled: 1 is new; 4 are kept"]),
        (
            removed,
            set(),
            [
                "the labels of all 3 shards are kept",
                "1 labelled shard is not in the input any more: left aside",
                "the plan is made again: the input and the labels changed",
            ],
        ),
    ],
)
def test_a_changed_shard_redoes_its_labels_the_plan_and_the_output(
    tmp_path: Path, change: Callable[[Path], None], labelled: set[str], lines: list[str]
) -> None:
    config = corpus_of(tmp_path)
    shutil.copy2(tmp_path / "in" / "00002.tar", tmp_path / "kept.tar")
    before = versions(tmp_path)
    change(tmp_path)
    said = said_by(rebalance.run, config)
    assert [line for line in lines if line not in said] == []
    assert rewritten(before, versions(tmp_path)) == labelled | {"plan", "output"}
    there = {shard.name for shard in find_shards(config.input)}
    fresh = config.model_copy(
        update={"output": config.output.model_copy(update={"url": str(tmp_path / "fresh")})}
    )
    InProcess().rebalance(fresh, find_shards(fresh.input))
    ours = {
        name: content
        for name, content in tree(tmp_path / "out").items()
        if name.split("/")[0] not in ("labels", "rejects") or Path(name).stem in there
    }
    assert ours == tree(tmp_path / "fresh")


def test_mixed_reasons_are_counted(tmp_path: Path) -> None:
    config = corpus_of(tmp_path)
    changed(tmp_path)
    shutil.copy2(tmp_path / "in" / "00000.tar", tmp_path / "in" / "00007.tar")
    (tmp_path / "out" / paths.label_record(named(config, "00001"))).write_text("{")
    (line,) = work_on(config, find_shards(config.input), ("label",)).labels.lines
    assert line == (
        "3 of 5 shards are labelled again: 1 is new, 1 changed (size), 1 with a record that "
        "cannot be read; 2 are kept"
    )


def test_a_moved_output_is_resumed_where_it_is_now(finished: Path, folder: Path) -> None:
    shutil.move(folder / "out", folder / "elsewhere" / "out")
    config = of(finished, folder / "elsewhere")
    assert work_on(config, find_shards(config.input), ALL).complete


def test_labels_of_settings_that_nobody_noted_are_made_again(finished: Path, folder: Path) -> None:
    shutil.rmtree(folder / "out" / "done" / "settings")
    config = of(finished, folder, labels=LABELS)
    (line, *_) = work_on(config, find_shards(config.input), ALL).lines
    assert line == "all labels are made again: the configuration changed"


def test_a_plan_without_its_patterns_or_of_no_version_is_made_again(
    finished: Path, folder: Path
) -> None:
    config = of(finished, folder)
    plan = folder / "out" / "plan" / "plan.json"
    plan.write_text(json.dumps({**json.loads(plan.read_text()), "version": 0}))
    assert said_by(solve.run, config) == ["the plan is made again: the one on file cannot be read"]
    (folder / "out" / "plan" / "patterns.parquet").unlink()
    assert said_by(solve.run, config) == ["the plan is made again: plan/patterns.parquet is lost"]
    assert said_by(solve.run, config) == ["the plan is kept"]


def test_missing_output_shards_are_written_again(finished: Path, folder: Path) -> None:
    config = of(finished, folder)
    before = versions(folder)
    (folder / "out" / "shards" / "00001.tar").unlink()
    said = said_by(rebalance.run, config)
    assert "1 of 2 output shards is written again: its file is lost" in said
    after = versions(folder)
    assert after["shards/00000.tar"] == before["shards/00000.tar"]
    assert tree(folder / "out") == tree(finished / "out")


def test_a_dry_run_of_a_fresh_output_makes_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    path = tmp_path / "config.yaml"
    values = json.loads(config_of(tmp_path).model_dump_json())
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(SystemExit) as ended:
        main(["rebalance", str(path), "--dry-run"])
    assert ended.value.code == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == [
        "2 shards are to be labelled: none is yet",
        "the plan is to be made: there is none yet",
        "the output is to be written: there is none yet",
    ]
    assert said[-1] == f"nothing was done to {tmp_path / 'out'}: this is a dry run"
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit) as ended:
        main(["label", str(path), "--dry-run", "--json"])
    summary = json.loads(capsys.readouterr().out)
    assert [stem_of(entry["shard"]) for entry in summary["shards"]] == ["00000", "00001"]
    sizes = [path.stat().st_size for path in sorted((tmp_path / "in").iterdir())]
    assert [entry["bytes"] for entry in summary["shards"]] == sizes


def test_a_dry_run_refuses_what_the_run_would_refuse(finished: Path, folder: Path) -> None:
    with pytest.raises(StaleError, match=r"made from other config\.balance"):
        dry_run.run(of(finished, folder, balance={"eta": 0.6}), ("resample",), False)
    with pytest.raises(FairshardError, match=r"4 of 4 shards .* have no labels made with this"):
        dry_run.run(of(finished, folder, labels=LABELS), ("solve",), False)


def test_a_restart_discards_the_stages_asked_for_and_no_file_of_others(
    finished: Path, folder: Path
) -> None:
    config = of(finished, folder)
    out = folder / "out"
    own = ["labels/notes.parquet", "shards/mine.tar", "done/shards/mine.json", "note.txt"]
    for name in own:
        (out / name).write_text("{}")
    storage, before = output_storage(config.output), versions(folder)
    lines = [entry.line for entry in discards_of(("solve",), storage)]
    assert lines == ["the plan is discarded"]
    discards = discards_of(ALL, storage)
    assert [entry.line for entry in discards] == [
        "2 output shards and their manifest are discarded",
        "the plan is discarded",
        "the labels of 4 shards are discarded",
    ]
    seen = dry_run.run(config, ALL, True)
    assert seen["would_do"][-3:] == [
        "all labels are made again: --restart",
        "the plan is made again: --restart",
        "the output is written again: --restart",
    ]
    assert versions(folder) == before
    discard(discards, storage)
    left = {name.split("/")[0] for name in versions(folder)}
    assert left == {"labels", "shards", "done", "report", "note.txt"}
    for name in own:
        assert (out / name).read_text() == "{}"
        (out / name).unlink()
    said = said_by(rebalance.run, config)
    assert "4 shards are to be labelled: none is yet" in said
    assert tree(out) == tree(finished / "out")


def test_stages_apart_say_what_they_keep(finished: Path, folder: Path) -> None:
    config = of(finished, folder)
    assert said_by(label.run, config) == ["the labels of all 4 shards are kept"]
    assert said_by(solve.run, config) == ["the plan is kept"]
    assert said_by(resample.run, config) == ["the output of 2 shards is kept"]


def test_keys_that_differ_are_named_as_in_the_configuration() -> None:
    one = {"a": {"b": 1, "c": {"d": [1]}}, "e": None}
    other = {"a": {"b": 2, "c": {"d": [1]}, "x": {"y": 1}}}
    assert differing(one, other) == ["a.b", "a.x", "e"]
    assert differing(one, one) == []
    assert in_words(["a"]) == "a"
    assert in_words(["a", "b", "c"]) == "a, b and c"
    assert in_words(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_the_budget_of_rejects_is_none_of_the_labels_settings(finished: Path, folder: Path) -> None:
    limits = {"shards": "in/*.tar", "limits": {"max_rejects": 3}}
    assert settings_digest(of(finished, folder, input=limits)) == settings_digest(
        of(finished, folder)
    )
