"""Labels apart from their outputs: made once, shared by many, nobody's to overwrite."""

import io
import json
import os
import signal
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from jobs.look import clean, failed, overview, status, verify
from jobs.run.running import run_command
from jobs.session.lease import leased
from jobs.session.outputs import check_own
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.runs import quiet
from tests.servers import SERVERS
from transforms.base.errors import ConfigError, FairshardError, StaleError
from transforms.config.sections import Config
from transforms.outcome.run_metrics import run_metrics, run_text
from transforms.shards.finding import Shard
from transforms.shards.inputs import found_apart
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage
from transforms.storage.shared_labels import opened

OTHER_WORDS = {
    "gender": {
        "share_of": "group",
        "names": {
            "woman": {"target": 0.5, "lexicon": ["woman", "she"]},
            "man": {"target": 0.5, "lexicon": ["man"]},
        },
    }
}


class Killed(InProcess):
    """An engine whose process is killed once it has labelled so many shards and begins another."""

    def __init__(self, shards: int) -> None:
        self._shards = shards

    def rebalance(self, config: Config, shards: Sequence[Shard]) -> None:
        """Label some, then be killed."""
        self._labelled(config, shards[: self._shards])
        with output_storage(config.output).publishing(paths.labels("next")) as stream:
            stream.write(b"begun")
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_corpus(tmp_path, samples=160, shards=4)
    return tmp_path


def config_at(folder: Path, output: str, labels: str | None = "labelled", **more: Any) -> Config:
    """A configuration of the corpus in `folder`, without gates, which are passes of an engine."""
    url = {"url": output, "samples_per_shard": 40} | ({"labels": labels} if labels else {})
    return config_of(folder, output=url, gates={"enabled": False}, **more)


def rebalanced(config: Config, restart: bool = False, engine: InProcess | None = None) -> list[str]:
    """What a rebalance says as it runs."""
    console = quiet()
    run_command("rebalance", config, engine or InProcess(), console, "a run", restart)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def files(folder: Path) -> dict[str, int]:
    """Every file below, and when it was written."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in found}


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The output shards and the plan's patterns."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("[sp]*/*[rt]"))}


def test_many_outputs_share_labels_and_are_what_they_are_without(folder: Path) -> None:
    rebalanced(config_at(folder, "first"))
    made = files(folder / "labelled")
    assert {Path(name).parts[0] for name in made} == {"labels", "rejects", "done"}
    assert not {"labels", "rejects"} & {path.name for path in (folder / "first").iterdir()}
    half = {"eta": 0.3, "max_representation_bias": 0.02}
    said = rebalanced(config_at(folder, "second", balance=half))
    assert "the labels of all 4 shards are kept" in said
    assert files(folder / "labelled") == made
    rebalanced(config_at(folder, "alone", None, balance=half))
    assert bytes_of(folder / "second") == bytes_of(folder / "alone") != bytes_of(folder / "first")
    assert not (folder / "alone/done/labels.json").exists()


def test_whoever_looks_at_an_output_finds_its_labels(folder: Path) -> None:
    config = config_at(folder, "out")
    rebalanced(config)
    for storage in (output_storage(config.output), opened(str(folder / "out"), {})):
        stages = {stage["stage"]: stage for stage in status.run(storage)["stages"]}
        assert {stage["state"] for stage in stages.values()} == {"done"}
        assert (stages["label"]["shards_done"], stages["label"]["samples"]) == (4, 160)
        assert failed.run(storage)["rejected"] == 0
        assert overview.run(storage)["samples"]["in"] == 160
        assert "fairshard_samples_labelled_total" in run_text(run_metrics(storage), storage)
        assert verify.run(storage, None, "", None, True, quiet())["agrees"]
    assert run("report", folder / "out") == 0
    (folder / "labelled/labels").rename(folder / "labelled/elsewhere")
    (damaged, *_) = status.run(opened(str(folder / "out"), {}))["stages"]
    assert damaged["state"] == "damaged"


def test_labels_of_other_settings_are_refused_and_stay(folder: Path) -> None:
    rebalanced(config_at(folder, "first"))
    made = files(folder / "labelled")
    other = config_at(folder, "second", attributes=OTHER_WORDS)
    for command in ("label", "rebalance", "solve"):
        with pytest.raises(StaleError, match=r"labels of 4 shards in .*attributes\..* changed"):
            run_command(command, other, InProcess(), quiet(), "another")
        assert files(folder / "labelled") == made
    said = rebalanced(other, restart=True)
    assert f"the labels of 4 shards in {folder / 'labelled'} are discarded" in said
    with pytest.raises(StaleError):
        rebalanced(config_at(folder, "first"))


def test_a_restart_and_a_count_are_of_the_own_input_alone(folder: Path) -> None:
    rebalanced(config_at(folder, "some", input={"shards": "in/0000[01].tar"}))
    some = files(folder / "labelled")
    said = rebalanced(config_at(folder, "rest", input={"shards": "in/0000[23].tar"}))
    assert "2 shards are to be labelled: none is yet" in said
    assert some.items() <= files(folder / "labelled").items()
    label = status.run(opened(str(folder / "some"), {}))["stages"][0]
    assert (label["shards_done"], label["shards"], label["samples"]) == (2, 2, 80)
    metrics = run_text(run_metrics(opened(str(folder / "some"), {})), Storage("x"))
    assert 'fairshard_samples_labelled_total{output="x"} 80.0' in metrics
    rebalanced(config_at(folder, "rest", input={"shards": "in/0000[23].tar"}), restart=True)
    kept = {name: at for name, at in files(folder / "labelled").items() if name in some}
    assert {n: t for n, t in kept.items() if "settings" not in n} == {
        n: t for n, t in some.items() if "settings" not in n
    }


def be_killed(folder: Path) -> None:
    """Rebalance into `first`, in a process of its own, and be killed in the midst of labelling."""
    rebalanced(config_at(folder, "first"), engine=Killed(3))


def test_what_a_killed_run_has_labelled_another_output_keeps(folder: Path) -> None:
    process = get_context("spawn").Process(target=be_killed, args=(folder,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert list((folder / "labelled/labels").glob(".*.tmp"))
    made = {name: at for name, at in files(folder / "labelled").items() if "--" in name}
    said = rebalanced(config_at(folder, "second"))
    assert "1 of 4 shards is labelled: 1 is new; 3 are kept" in said
    left = files(folder / "labelled")
    assert made.items() <= left.items()
    assert not [name for name in left if name.endswith(".tmp") or "running" in name]
    assert "the labels of all 4 shards are kept" in rebalanced(config_at(folder, "first"))


def test_runs_of_the_same_labels_share_their_place_and_others_do_not(folder: Path) -> None:
    with leased(config_at(folder, "first"), "first"):
        with leased(config_at(folder, "second", balance={"eta": 0.3}), "second"):
            pass
        other = config_at(folder, "third", attributes=OTHER_WORDS)
        with (
            pytest.raises(FairshardError, match=r"writes to .*labelled.*another output\.labels"),
            leased(other, "third"),
        ):
            pass
        with (
            pytest.raises(FairshardError, match=r"another output\.labels"),
            leased(config_at(folder, "second"), "second", afresh=True),
        ):
            pass
    with leased(other, "third"):
        pass
    assert not list((folder / "labelled/done/running").iterdir())


def test_cleaning_an_output_leaves_shared_labels_alone(folder: Path) -> None:
    config = config_at(folder, "out")
    rebalanced(config)
    left = f"labels/.x.parquet.{'0123456789abcdef' * 2}.tmp"
    (folder / "labelled" / left).write_bytes(b"of a run elsewhere")
    storage = opened(str(folder / "out"), {})
    found = clean.run(storage, force=True)
    assert found["removed"] == []
    assert found["labels"] == str(folder / "labelled")
    console = quiet()
    clean.show(found, console)
    assert isinstance(console.file, io.StringIO)
    assert f"`fairshard clean {folder / 'labelled'}` cleans there" in console.file.getvalue()
    assert clean.run(storage.of_labels, force=False)["removed"] == [left]


@pytest.mark.parametrize(
    ("output", "labels", "said"),
    [
        ("out", "out/apart", "lies in the output"),
        ("apart/labels/out", "apart", "lies in .*apart/labels, which is fairshard's own"),
        ("apart/done", "apart", "lies in .*apart/done, which is fairshard's own"),
        ("out", "first/labels", "give output.labels: .*/first"),
        ("out", "s3://", "the place of labels s3:// names no place"),
        ("out", "memory://x", "the place of labels .* is the memory of one process"),
    ],
)
def test_places_that_are_not_apart_are_refused(
    folder: Path, output: str, labels: str, said: str
) -> None:
    (folder / "first/done/labels").mkdir(parents=True)
    (folder / "first/done/labels/00000.json").write_text("{}")
    with pytest.raises(ConfigError, match=said):
        found_apart(config_at(folder, output, labels))


def test_the_input_is_not_where_shared_labels_go(folder: Path) -> None:
    (folder / "in").rename(folder / "labels")
    config = config_at(folder, "out", ".", input={"shards": "labels/*.tar"})
    with pytest.raises(ConfigError, match=r"input\.shards and output\.labels: 4 input shards"):
        found_apart(config)


def test_the_output_itself_is_a_place_of_labels_and_so_is_one_of_before(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "out")
    for same in ("out", "out/", "link"):
        assert output_storage(config_at(folder, "out", same).output).labels is None
    rebalanced(config_at(folder, "first", None))
    said = rebalanced(config_at(folder, "second", "first"))
    assert "the labels of all 4 shards are kept" in said
    assert bytes_of(folder / "second") == bytes_of(folder / "first")


def test_labels_that_are_there_make_no_file_of_the_users_ours(folder: Path) -> None:
    rebalanced(config_at(folder, "first"))
    (folder / "second").mkdir()
    (folder / "second/manifest.json").write_text("mine")
    with pytest.raises(FairshardError, match=r"manifest\.json"):
        check_own(("resample",), config_at(folder, "second"))


def test_secrets_of_the_place_stand_in_no_file(folder: Path) -> None:
    config = config_at(folder, "out")
    rebalanced(config)
    kept = json.loads((folder / "out/done/labels.json").read_text())
    assert kept["url"] == str(folder / "labelled")
    secret = config.output.model_copy(update={"labels": "https://me:hidden@host/labels"})
    shown = config.model_copy(update={"output": secret}).model_dump_json()
    assert "hidden" not in shown


def test_an_output_without_shared_labels_is_dumped_as_before(folder: Path) -> None:
    assert "labels" not in config_at(folder, "out", None).model_dump(mode="json")["output"]
    assert config_at(folder, "out").model_dump()["output"]["labels"] == str(folder / "labelled")


@pytest.mark.parametrize("labels_away", [True, False])
def test_labels_may_lie_on_another_storage(folder: Path, labels_away: bool) -> None:
    with SERVERS["s3"]() as store:
        places = [str(folder / "here"), f"{store.url}/away"]
        labels, output = reversed(places) if labels_away else places

        def config(number: int) -> Config:
            url = {"url": f"{output}/{number}", "labels": labels, "samples_per_shard": 40}
            options = {"storage_options": store.options}
            return config_of(folder, output=url | options, gates={"enabled": False})

        rebalanced(config(1))
        said = rebalanced(config(2))
        assert "the labels of all 4 shards are kept" in said
        found = [opened(f"{output}/{number}", store.options) for number in (1, 2)]
        assert [status.run(storage)["stages"][0]["shards_done"] for storage in found] == [4, 4]
        assert verify.run(found[1], None, "", None, True, quiet())["agrees"]
