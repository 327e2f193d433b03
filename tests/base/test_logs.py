"""What a run says: events as JSON for schedulers, sentences for people."""

import io
import json
import logging
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import _registry

from jobs.run import rebalance
from tests.commands import run
from tests.fixtures import write_corpus
from transforms.base.logs import LOGGER, EventStream, JsonFormatter, WordsFormatter, event, log_to
from transforms.shards.naming import stem_of

ALWAYS = ["time", "level", "run", "stage", "shard", "message"]
QUICK = ["--", "--runner=FnApiRunner"]


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    LOGGER.setLevel(logging.NOTSET)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_corpus(tmp_path, samples=120, shards=2)
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        "input": {"shards": "in/*.tar"},
        "attributes": {"gender": {"share_of": "group", "names": names}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_an_event_is_one_line_with_what_is_known_of_it() -> None:
    sink = io.StringIO()
    log_to(sink, JsonFormatter("r1"))
    event("shard\nlabelled", stage="label", shard="00000", samples=3)
    (said,) = events(sink.getvalue())
    assert list(said) == [*ALWAYS, "samples"]
    assert said["message"] == "shard\nlabelled"
    assert (said["run"], said["stage"], said["shard"], said["samples"]) == (
        "r1",
        "label",
        "00000",
        3,
    )
    assert said["time"].endswith("+00:00")


def test_other_libraries_are_heard_when_they_fail() -> None:
    sink = io.StringIO()
    log_to(sink, JsonFormatter("r1"))
    logging.getLogger("a.library").warning("hm")
    try:
        raise ValueError("https://me:hunter2@host/")
    except ValueError:
        logging.getLogger("a.library").exception("oh")
    (said,) = events(sink.getvalue())
    assert (said["logger"], said["level"], said["message"]) == ("a.library", "error", "oh")
    assert "ValueError: https://***@host/" in said["traceback"]


def test_people_are_told_what_matters_in_sentences() -> None:
    sink = io.StringIO()
    log_to(sink, WordsFormatter())
    event("shard labelled", shard="00000")
    LOGGER.warning("look at %s", "s3://key:hunter2@bucket")
    logging.getLogger("a.library").error("oh")
    logging.getLogger("gcsfs.retry").error("what is raised too")
    assert sink.getvalue() == "fairshard: look at s3://***@bucket\nERROR:a.library:oh\n"


def test_lines_of_progress_become_events() -> None:
    sink = io.StringIO()
    log_to(sink, JsonFormatter("r1"))
    stream = EventStream()
    stream.write("one\n\ntw")
    stream.write("o\nthree")
    assert [said["message"] for said in events(sink.getvalue())] == ["one", "two"]


def test_a_run_tells_of_every_stage_and_shard(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("rebalance", config, "--json", "--json-logs", *QUICK) == 0
    said = capsys.readouterr()
    found = events(said.err)
    assert all(list(one)[:6] == ALWAYS for one in found)
    assert len({one["run"] for one in found}) == 1
    assert [one["message"] for one in found if one["message"].startswith("run ")] == [
        "run started",
        "run finished",
    ]
    for stage in ("label", "solve", "resample"):
        of_stage = [one["message"] for one in found if one["stage"] == stage]
        assert (of_stage[0], of_stage[-1]) == ("stage started", "stage finished")
    labelled = {one["shard"]: one for one in found if one["message"] == "shard labelled"}
    assert sorted(map(stem_of, labelled)) == ["00000", "00001"]
    summary = json.loads(said.out)
    assert sum(one["samples"] for one in labelled.values()) == summary["samples"]["in"] == 120
    written = [one for one in found if one["message"] == "shard written"]
    assert sum(one["samples"] for one in written) == summary["samples"]["written"]
    kept = json.loads((config.parent / "out/done/run.json").read_text())
    assert kept["run"] == found[0]["run"]


def test_an_error_ends_the_log_as_an_event(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("solve", config, "--json-logs") == 1
    last = events(capsys.readouterr().err)[-1]
    assert last["level"] == "error"
    assert "2 of 2 shards (00000--" in last["message"]
    kept = json.loads((config.parent / "out/done/run.json").read_text())
    assert kept["error"] == last["message"]


def test_without_the_option_people_see_no_events(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("label", config, *QUICK) == 0
    assert "{" not in capsys.readouterr().err
    assert run("resample", config, *QUICK) == 1
    assert capsys.readouterr().err.startswith("fairshard: ")


def test_what_nobody_expected_ends_in_a_traceback_without_secrets(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise ValueError("nothing://me:hunter2@host")

    monkeypatch.setattr(rebalance, "input_of", break_down)
    assert run("rebalance", config, *QUICK) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "please report it" in said
    assert "hunter2" not in said


def test_an_output_that_cannot_be_written_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (config.parent / "out").write_text("a file")
    assert run("rebalance", config, *QUICK) == 1
    assert "cannot be written: Not a directory; see to it" in capsys.readouterr().err
    monkeypatch.delitem(_registry, "s3", raising=False)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    assert run("rebalance", config, "--output", "s3://bucket/out", *QUICK) == 1
    assert (
        "s3://bucket/out cannot be opened: Install s3fs to access S3; `fairshard doctor`"
        in capsys.readouterr().err
    )


class Interrupting(LocalFileSystem):
    """Local files, at whose listing, once it has failed so often, somebody presses Control-C."""

    protocol = "interrupting"
    failing = 0

    def ls(self, path: str, detail: bool = False, **options: Any) -> Any:
        Interrupting.failing -= 1
        if Interrupting.failing >= 0:
            raise OSError("the network is down")
        signal.raise_signal(signal.SIGINT)
        return super().ls(path, detail=detail, **options)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Control-C is heeded, also where these tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("begun", [False, True])
def test_an_interrupted_run_says_how_to_go_on(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    fsspec.register_implementation("interrupting", Interrupting, clobber=True)
    monkeypatch.setattr(Interrupting, "failing", int(begun))
    values = yaml.safe_load(config.read_text())
    values["input"]["shards"] = f"interrupting://{config.parent}/in/*.tar"
    config.write_text(yaml.safe_dump(values))
    assert run("label", config, *QUICK) == 130
    assert "interrupted; run the same command again to go on" in capsys.readouterr().err
    kept = config.parent / "out/done/run.json"
    assert kept.exists() == begun
    if begun:
        told = json.loads(kept.read_text())
        assert told["error"] == "interrupted"
        assert told["finished"] is not None
