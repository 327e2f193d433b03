"""How far a run is: while it goes on, when it failed or was killed, and once it is done."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.cli import main
from jobs.look import status
from jobs.run import label
from jobs.session.resume import work_on
from jobs.session.run_record import recorded
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.naming import named
from tests.outputs import finished_output
from tests.runs import SHARDS, begun, during_batch, held, quiet, seen_corpus
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


def labelled(config: Config) -> Storage:
    """The output of a run that labelled."""
    with recorded(config, "label", "r1"):
        label.run(config, InProcess(), quiet())
    return output_storage(config.output)


def stages_of(storage: Storage) -> dict[str, dict[str, Any]]:
    return {stage["stage"]: stage for stage in status.run(storage)["stages"]}


def counted(stage: dict[str, Any]) -> tuple[str, int, int | None]:
    return stage["state"], stage["shards_done"], stage["shards"]


def test_while_a_shard_is_labelled_it_is_running(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    storage, found = output_storage(config.output), []
    with held(storage), during_batch(2, lambda: found.append(status.run(storage))):
        labelled(config)
    (seen,) = found
    assert seen["active"]
    assert seen["run"]["command"] == "label"
    stages = {stage["stage"]: stage for stage in seen["stages"]}
    assert counted(stages["label"]) == ("running", 2, SHARDS)
    assert [attempt["name"] for attempt in stages["label"]["running"]] == [named(config, "00002")]
    assert stages["label"]["samples"] == 12
    assert stages["label"]["samples_per_second"] > 0
    per_shard = 6 / stages["label"]["samples_per_second"]
    assert stages["label"]["seconds_left"] == pytest.approx(2 * per_shard)
    assert counted(stages["solve"]) == ("waiting", 0, 1)
    assert counted(stages["resample"]) == ("waiting", 0, None)
    after = stages_of(storage)
    assert counted(after["label"]) == ("done", SHARDS, SHARDS)
    assert after["label"]["running"] == after["label"]["failed"] == after["label"]["left"] == []


def test_shards_that_take_far_longer_than_others_are_straggling(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=40, shards=4)
    config = config_of(tmp_path)
    storage = labelled(config)
    for shard in range(3):
        name = paths.label_record(named(config, f"{shard:05d}"))
        record = json.loads(storage.read(name))
        record["seconds"]["total"] = 100.0 + shard
        storage.publish(name, json.dumps(record).encode())
    last = named(config, "00003")
    storage.delete(paths.label_record(last))
    with held(storage):
        begun(storage, "label", last, -1)
        assert stages_of(storage)["label"]["straggling"] == []
        begun(storage, "label", f"{last}.part0", -1)
        begun(storage, "label", f"{last}.part1", 310)
        (running,) = [{entry["name"] for entry in stages_of(storage)["label"]["running"]}]
        assert running == {last, f"{last}.part0"}
    with held(storage, seconds=400):
        (slow,) = stages_of(storage)["label"]["straggling"]
    assert slow["name"] == f"{last}.part1"
    assert slow["seconds"] >= 310


def test_a_run_that_was_killed_leaves_what_it_had_begun(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    storage = output_storage(config.output)

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed), during_batch(1, kill):
        labelled(config)
    seen = status.run(storage)
    (stage, *_) = seen["stages"]
    assert not seen["active"]
    assert counted(stage) == ("stopped", 1, SHARDS)
    assert [attempt["name"] for attempt in stage["left"]] == [named(config, "00001")]
    console = quiet()
    status.show(seen, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "no run is active; the last one, label on beam, was killed" in said
    assert f"label {named(config, '00001')} was begun by a process that is gone" in said
    labelled(config)
    assert counted(stages_of(storage)["label"]) == ("done", SHARDS, SHARDS)
    assert stages_of(storage)["label"]["left"] == []


def test_a_run_that_failed_says_where_and_why(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    shards = find_shards(config.input)

    def lose() -> None:
        Path(shards[2].url).unlink()

    with pytest.raises(FairshardError, match="does not exist"), during_batch(1, lose):
        labelled(config)
    stage = stages_of(output_storage(config.output))["label"]
    assert counted(stage) == ("failed", 2, SHARDS)
    (attempt,) = stage["failed"]
    assert attempt["name"] == named(config, "00002")
    assert "does not exist" in attempt["error"]


def test_labels_that_are_being_made_again_do_not_count(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=40, shards=4)
    config = config_of(tmp_path)
    storage = labelled(config)
    other = config_of(tmp_path, utility={"scale": 2.0})
    work_on(other, find_shards(other.input), ("label",)).begin(quiet())
    assert counted(stages_of(storage)["label"])[1:] == (0, 4)
    InProcess().label(other, find_shards(other.input)[:1])
    assert counted(stages_of(storage)["label"])[1:] == (1, 4)


def test_a_finished_output_and_one_whose_labels_or_plan_changed(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    config = config_of(tmp_path)
    storage = finished_output(config)
    stages = stages_of(storage)
    assert {stage["state"] for stage in stages.values()} == {"done"}
    manifest = json.loads(storage.read(paths.MANIFEST))
    assert counted(stages["resample"])[1:] == (len(manifest["shards"]),) * 2
    assert stages["resample"]["samples"] == manifest["totals"]["written"]
    storage.publish(paths.MANIFEST, json.dumps({**manifest, "plan": "other"}).encode())
    assert stages_of(storage)["resample"]["state"] == "of another plan"
    storage.delete(paths.label_record(named(config, "00001")))
    assert stages_of(storage)["solve"]["state"] == "of other labels"


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FairshardError, match="holds no run: give the output folder"):
        status.run(Storage(str(tmp_path)))


def test_it_is_shown_as_json_as_a_table_and_live_until_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    config = config_of(tmp_path)
    labelled(config)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    for target in (path, config.output.url):
        for options in ([], ["--watch"], ["--json"]):
            with pytest.raises(SystemExit) as ended:
                main(["status", str(target), *options])
            assert ended.value.code == 0
            said = capsys.readouterr().out
            if options == ["--json"]:
                assert json.loads(said)["stages"][0]["shards_done"] == 2
            else:
                rows = [line.split() for line in said.splitlines()]
                assert ["label", "done", "2", "of", "2", "0", "0", "40"] in rows


def test_a_status_carries_no_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    storage = labelled(config_of(tmp_path))
    begun(storage, "label", "00000", 5, "https://me:hunter2@host/a.tar?sig=t0k3n is gone")
    for options in ([], ["--watch"], ["--json"]):
        with pytest.raises(SystemExit):
            main(["status", storage.url, *options])
        said = capsys.readouterr().out
        assert "is gone" in said
        assert "hunter2" not in said
        assert "t0k3n" not in said
