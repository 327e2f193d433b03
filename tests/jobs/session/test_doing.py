"""What solving is doing is shown from its notes, wherever it runs, and how long it has taken."""

import re
import threading
from pathlib import Path

from jobs.session.doing import Doing
from jobs.session.progress import watched
from jobs.session.ticking import ticking
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.outputs import finished_output
from tests.runs import ago, quiet
from transforms.labels.records import label_record_from
from transforms.stages.doing import STAGE, begin_drawing, end_drawing, explaining
from transforms.storage import paths
from transforms.storage.attempts import Attempt
from transforms.storage.documents import to_json
from transforms.storage.files import Storage


def test_notes_are_shown_while_they_are_there(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    doing = Doing(storage, 0.0)
    doing.poll()
    assert doing.line == ""
    with explaining(storage):
        doing.poll()
        assert re.fullmatch(r"explaining, \d s", doing.line)
    doing.poll()
    assert doing.line == ""


def test_drawing_is_shown_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    """It begins in one process, and may end in another."""
    storage = Storage(str(tmp_path))
    doing = Doing(storage, 0.0)
    begin_drawing(storage)
    doing.poll()
    assert re.fullmatch(r"drawing, \d s", doing.line)
    end_drawing(storage)
    doing.poll()
    assert doing.line == ""


def test_what_a_run_before_left_is_not_shown(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    left = Attempt(STAGE, "explaining", "host", 1, ago(60))
    storage.publish(paths.attempt(STAGE, "explaining"), to_json(left))
    storage.publish(paths.attempt(STAGE, "sorcery"), to_json(left))
    doing = Doing(storage, 0.0)
    doing.poll()
    assert doing.line == ""
    with explaining(storage):
        doing.poll()
        assert doing.line.startswith("explaining, ")


def test_a_run_says_once_that_it_is_begun(tmp_path: Path) -> None:
    """As a line, where there is no terminal; the run goes on while the plan is explained."""
    write_corpus(tmp_path)
    config = config_of(tmp_path, balance={"eta": 0.9})
    storage = finished_output(config)
    records = [
        label_record_from(storage.read(f"{paths.LABEL_RECORDS}/{name}"))
        for name in storage.names(paths.LABEL_RECORDS)
    ]
    console, shown = quiet(), threading.Event()
    write = console.file.write

    def seen(text: str) -> int:
        if "explaining" in text:
            shown.set()
        return write(text)

    console.file.write = seen  # type: ignore[method-assign]
    with watched(storage, ("solve",), 0, console):
        InProcess().solve(config, records)
        with explaining(storage):
            assert shown.wait(30)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert len(re.findall(r"solve: explaining, \d+ s", text)) == 1


def test_what_takes_a_moment_is_not_ticked_off() -> None:
    console = quiet()
    with ticking("explaining", console) as tick, tick("compiling once"):
        pass
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]
