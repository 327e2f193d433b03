"""Users without a home, terminals of few characters, outputs that nobody reads, and odd paths."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import run
from tests.fixtures import config_of, write_corpus, write_tar
from tests.loading import ROOT
from tests.outputs import finished_output
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.files import read_config
from transforms.gates.users import read_own
from transforms.recognition.checkpoints import fetched

CONFIG = """\
input: {shards: "in/*.tar"}
attributes: {hue: {names: {red: {target: 0.5, lexicon: [red]}}}}
labels: {thing: {names: {hat: {lexicon: [hat]}}}}
balance: {eta: 0.5, max_representation_bias: 0.1}
output: {url: out}
"""
UNLISTED = """\
import pwd

def unlisted(user):
    raise KeyError(user)

pwd.getpwuid = unlisted
"""
FAIRSHARD = [sys.executable, "-m", "jobs.cli"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A corpus with its configuration."""
    write_tar(
        tmp_path / "in" / "a.tar",
        {f"{n:02d}.txt": b"a red hat" if n % 3 else b"a blue hat" for n in range(60)},
    )
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


def environment_of_nobody(folder: Path) -> dict[str, str]:
    """That of a user whom the system does not list, without a home, who may write no cache.

    Every Python process of this environment sees no entry of its user, as in a container that runs
    under any number.
    """
    modules = folder / "modules"
    modules.mkdir()
    (modules / "sitecustomize.py").write_text(UNLISTED)
    given = {name: value for name, value in os.environ.items() if name not in ("HOME", "USER")}
    return {
        **given,
        "PYTHONPATH": f"{modules}{os.pathsep}{ROOT}",
        "NUMBA_CACHE_LOCATOR_CLASSES": "UserWideCacheLocator",
        "XDG_CACHE_HOME": "/dev/null/cache",
    }


@pytest.mark.parametrize(
    ("engine", "command", "said"),
    [
        ("beam", "rebalance", "gate of the output: "),
        ("spark", "label", "1 shard labelled (1 in this run): 60 samples, 0 rejected"),
    ],
)
def test_a_user_of_no_home_and_no_name_is_no_obstacle(
    folder: Path, engine: str, command: str, said: str
) -> None:
    done = subprocess.run(
        [*FAIRSHARD, command, str(folder / "config.yaml"), "--allow-unmet", "--engine", engine],
        env=environment_of_nobody(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
    assert "Traceback" not in done.stderr


def test_a_checkpoint_has_no_place_without_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.pt").write_bytes(b"")
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(FairshardError, match=r"no place for a copy .* let XDG_CACHE_HOME name"):
        fetched(f"file://{tmp_path}/weights.pt")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"in/*.tar"', '"~nobody_of_this_name/*.tar"'),
        ("url: out", 'url: "~nobody_of_this_name/out"'),
        ("output:", 'calibration: "~nobody_of_this_name/c.json"\noutput:'),
        ("output:", 'gates: {expectations: "~nobody_of_this_name/e.yaml"}\noutput:'),
        ("output:", 'model: {name: "local-dir:~nobody_of_this_name/m"}\noutput:'),
    ],
)
def test_the_home_of_nobody_is_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    (folder / "config.yaml").write_text(CONFIG.replace(old, new))
    assert run("check", folder / "config.yaml") == 2
    assert "there is no user 'nobody_of_this_name' here" in capsys.readouterr().err


def test_the_home_of_nobody_is_no_folder_of_that_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert run("solve", "config.yaml", "--output", "~nobody_of_this_name/out") == 2
    assert run("status", "~nobody_of_this_name/out") == 2
    assert not (folder / "~nobody_of_this_name").exists()


def test_a_folder_that_is_gone_is_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert run("status", "out") == 2
    assert "the current folder was deleted" in capsys.readouterr().err
    assert run("check", folder / "config.yaml") == 0


def test_a_path_that_is_not_utf_8_is_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = folder / os.fsdecode(b"\xff")
    odd.mkdir()
    (odd / "config.yaml").write_text(CONFIG)
    assert run("check", odd / "config.yaml") == 2
    assert "is not UTF-8, as all that is written must be" in capsys.readouterr().err


def test_a_configuration_may_come_through_a_pipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    out, into = os.pipe()
    os.write(into, CONFIG.encode())
    os.close(into)
    assert read_config(Path(f"/dev/fd/{out}")).output.url == str(folder / "out")
    os.close(out)


def unread() -> int:
    """A pipe that nobody reads from any more."""
    out, into = os.pipe()
    os.close(out)
    return into


class Terminal:
    """What stands on standard output and error of a terminal of some encoding."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
        self._encoding = encoding
        self._streams = {name: io.BytesIO() for name in ("stdout", "stderr")}
        for name, stream in self._streams.items():
            monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, encoding))

    def read(self, name: str) -> str:
        getattr(sys, name).flush()
        return self._streams[name].getvalue().decode(self._encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    folder = tmp_path / "\u20ac \U0001f469"
    write_corpus(folder, samples=60)
    finished_output(config_of(folder))
    (folder / "config.yaml").write_text(CONFIG)
    terminal = Terminal(monkeypatch, encoding)
    assert run("verify", folder / "out") == 0
    assert r"/\u20ac \ud83d\udc69/out" in terminal.read("stdout")
    terminal = Terminal(monkeypatch, encoding)
    assert run("verify", folder / "out", "--json") == 0
    assert json.loads(terminal.read("stdout"))["output"] == str(folder / "out")
    terminal = Terminal(monkeypatch, encoding)
    assert run("check", folder / "nothing.yaml") == 2
    assert r"\ud83d\udc69/nothing.yaml cannot be read" in terminal.read("stderr")


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        (lambda: os.open("/dev/full", os.O_WRONLY), 1, "standard output cannot be written: No spa"),
        (unread, 1, ""),
    ],
)
def test_a_standard_output_that_takes_nothing_is_no_traceback(
    target: Callable[[], int], code: int, said: str
) -> None:
    stdout = target()
    done = subprocess.run(
        [*FAIRSHARD, "init"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    os.close(stdout)
    assert done.returncode == code
    assert done.stderr.startswith(f"fairshard: {said}" if said else "")
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_a_configuration_in_any_unicode_that_says_so_is_read(folder: Path, encoding: str) -> None:
    text = CONFIG.replace("red]", "\U0001f469]").replace("\n", "\r\n")
    mark = b"\xff\xfe" if encoding == "utf-16-le" else b""
    (folder / "config.yaml").write_bytes(mark + text.encode(encoding))
    names = read_config(folder / "config.yaml").attributes["hue"].names
    assert names["red"].lexicon == ("\U0001f469",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONFIG.replace("[red]", "[ro\xf1a]").encode("latin-1"), "line 2 is not UTF-8 text; save"),
        (
            CONFIG.encode() + b"labels: {}\n",
            "`labels` is given twice, in lines 3 and 6; join",
        ),
        (
            CONFIG.replace("{hat", "{hat: {}, hat").encode(),
            "names.hat` is given twice, in line 3; join",
        ),
        (CONFIG.replace("hat:", "no:").encode(), 'line 3: the key no is read as bool, .* "no"'),
        (CONFIG.replace("[red]", "[red, on]").encode(), 'line 2: on is read as true: write "on"'),
        (CONFIG.replace("[red]", "[red, 007]").encode(), "007 is read as the number 7: write .007"),
        (CONFIG.replace("[red]", "[red, 7]").encode(), "should be text, not 7: put it in quotes"),
        (CONFIG.replace("[red]", r'["\ud83d"]').encode(), r"line 2: '\\ud83d' holds half a char"),
        (CONFIG.replace("labels", "\tlabels").encode(), "line 3, column 1: .*that cannot start"),
        (b"a: " + bytes(11 << 20), "has more than 10 MiB"),
        (
            CONFIG.encode("utf-16-le"),
            r"line 1 holds the character '\\x00', which YAML has only esc",
        ),
        (CONFIG.encode() + b"\x1a", r"line 6 holds the character '\\x1a'"),
        (CONFIG.replace("eta: 0.5", "eta: 0.5, Q: on").encode(), "Q: should be a number, not True"),
        (
            CONFIG.replace('"in/*.tar"', "[]").encode(),
            "input.shards: missing; it must be given, or tables",
        ),
        (CONFIG.replace('"in/*.tar"', "~").encode(), "input.shards: should be a list"),
        (CONFIG.replace('"in/*.tar"', '"::"').encode(), "input.shards: '::' names nothing: write"),
        (CONFIG.replace("url: out", r'url: "o\0"').encode(), "no path can hold a null character"),
        (b"", "holds no mapping of keys"),
        (b"- a", "holds no mapping of keys"),
        (b"[" * 100_000, "nested too deeply"),
        (b"\x7fELF\x02\x01\x01\x00", "is not valid YAML: "),
    ],
)
def test_what_is_wrong_with_the_text_of_a_configuration_is_a_sentence(
    folder: Path, content: bytes, said: str
) -> None:
    (folder / "config.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        read_config(folder / "config.yaml")


def test_emoji_that_json_escapes_are_whole(folder: Path) -> None:
    (folder / "config.yaml").write_text(CONFIG.replace("[red]", r'["\ud83d\udc69", "\u00e9"]'))
    names = read_config(folder / "config.yaml").attributes["hue"].names
    assert names["red"].lexicon == ("\U0001f469", "\u00e9")
    assert run("rebalance", folder / "config.yaml", "--dry-run") == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"- {stage: plan,\n   stage: labels}",
            "`stage` is given twice, in lines 1 and 2",
        ),
        (b"- {stage: plan, value_set: [SE, NO]}", "line 1: NO is read as false: write"),
        (b"- \xff", "line 1 is not UTF-8 text"),
        (b"- {no: 1}", "the key no is read as bool"),
    ],
)
def test_the_users_expectations_are_read_as_the_configuration_is(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "own.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=f"gates.expectations: .*/own.yaml.*{said}"):
        read_own(str(tmp_path / "own.yaml"), "plan")
