"""Loops are compiled before they are needed, and kept where whoever solves can read them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from errno import ENOSPC
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

import numpy as np
import pytest
from numba import njit

import transforms.m4
from tests.commands import run
from tests.loading import ROOT, modules_of
from transforms.config.schema import Attribute
from transforms.m4 import kept
from transforms.m4.constraints import ConstraintTable
from transforms.m4.kept import KeptLoops, folders, place, writable
from transforms.m4.kernels import Compiled
from transforms.m4.terms import Terms, Tolerances
from transforms.m4.warming import loops, warm

_STRANGER = 12345
_MODULE = """
import os
import sys
from numba import njit
from transforms.m4.kept import KeptLoops

def double(x):
    return 2 * x

assert njit(double)(2) == 4  # all of numba is loaded, which others might not read
if stranger := int(sys.argv[1]):
    os.setgid(stranger)
    os.setuid(stranger)
loop = njit(double)
loop._cache = KeptLoops(double)
assert loop(21) == 42
print(sum(loop.stats.cache_hits.values()))
"""


def _all_of(module: ModuleType) -> set[int]:
    return {id(each) for each in vars(module).values() if isinstance(each, Compiled)}


def test_all_loops_of_the_solver_are_compiled_with_threads_and_without() -> None:
    modules = [sys.modules[name] for name in modules_of(transforms.m4) if name in sys.modules]
    assert {id(loop) for loop in loops()} == set().union(*map(_all_of, modules))
    warm()
    assert any(loop.threaded is not loop.alone for loop in loops())
    for loop in loops():
        assert set(loop.threaded.signatures) >= set(loop.alone.signatures)


def test_whole_numbers_need_no_version_of_their_own() -> None:
    """Of a problem of ints, as tests and notebooks write them."""
    attributes = (Attribute("s", "s", 0.5, "all"),)
    whole = Tolerances(np.zeros(1, int), np.ones((1, 2), int), np.ones((1, 2), int))
    centres = np.full(1, 0.5), np.full((1, 2), 0.5)
    table = ConstraintTable.of(Terms(attributes, ("a", "b"), whole, *centres, 0.5, 1.0, 100.0))
    floats = {"sign", "tolerance", "centre"}
    assert {name for name in table._fields if getattr(table, name).dtype == float} == floats


@pytest.fixture
def module() -> Iterator[Path]:
    """A module with a loop, in a folder that all may read, beside one for temporary files."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "temporary").mkdir()
        (folder / "temporary").chmod(0o1777)
        path = folder / "code" / "doubling.py"
        path.parent.mkdir()
        path.write_text(_MODULE)
        yield path


def _hits(module: Path, *, stranger: bool = False) -> int:
    """How many versions a process finds kept: one of who owns the module, or of somebody whom the
    system does not know, and who may write nothing but temporary files.
    """
    place = {"TMPDIR": str(module.parents[1] / "temporary"), "HOME": "/nowhere"}
    kept_by = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME"}
    env = {k: v for k, v in os.environ.items() if k not in kept_by}
    user = str(_STRANGER if stranger and os.geteuid() == 0 else 0)
    done = subprocess.run(
        [sys.executable, "-m", module.stem, user],
        env=env | place | {"PYTHONPATH": f"{module.parent}:{ROOT}"},
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def _closed(module: Path) -> None:
    """Let nobody but root write beside the module."""
    for folder in (module.parent, module.parent / "__pycache__"):
        if folder.exists():
            folder.chmod(0o555)


def test_what_was_compiled_in_an_image_is_read_by_who_may_not_write_there(module: Path) -> None:
    assert _hits(module) == 0
    _closed(module)
    assert _hits(module, stranger=True) == 1


def test_a_user_whom_the_system_does_not_know_keeps_loops_apart(module: Path) -> None:
    _closed(module)
    assert _hits(module, stranger=True) == 0
    assert _hits(module, stranger=True) == 1
    (folder,) = (module.parents[1] / "temporary").iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("length", [0, 9, -1], ids=["empty", "begun", "cut short"])
@pytest.mark.parametrize("form", ["nbi", "nbc"])
def test_what_a_crash_left_of_kept_loops_is_compiled_again(
    module: Path, form: str, length: int
) -> None:
    assert _hits(module) == 0
    (damaged,) = (module.parent / "__pycache__").glob(f"*.{form}")
    damaged.write_bytes(damaged.read_bytes()[:length])
    assert _hits(module) == 0
    assert _hits(module) == 1


def test_kept_loops_that_a_user_may_not_read_are_compiled_again(module: Path) -> None:
    assert _hits(module) == 0
    for path in (module.parent / "__pycache__").iterdir():
        path.chmod(0o600)
    _closed(module)
    found = [_hits(module, stranger=True) for _ in range(2)]
    assert found == ([0, 1] if os.geteuid() == 0 else [1, 1])


def test_in_a_folder_that_all_may_write_nothing_of_others_is_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted").chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path / "planted")
    assert not writable(tmp_path / "planted")
    assert not writable(tmp_path / "link")
    assert writable(tmp_path / "own")


def test_where_nothing_can_be_written_loops_run_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(kept, "folders", lambda source: iter([tmp_path / "file" / "folder"]))

    def half(x: float) -> float:
        return x / 2

    loop = njit(half)
    loop._cache = KeptLoops(half)
    assert place(Path(__file__)) is None
    assert loop(21.0) == 10.5


def test_places_are_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "given"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    given, beside, own, _ = folders(Path("/opt/code/loops.py"))
    assert (given.parent, beside) == (tmp_path / "given", Path("/opt/code/__pycache__"))
    assert own.is_relative_to(tmp_path / "cache")


def test_warming_twice_compiles_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("warm") == 0
    capsys.readouterr()
    assert run("warm", "--json") == 0
    assert '"compiled": false' in capsys.readouterr().out


def test_warming_says_where_the_disk_is_full(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    def half(x: float) -> float:
        return x / 2

    loop = njit(half)
    loop._cache = KeptLoops(half)
    monkeypatch.setattr(loop._cache._cache_file, "save", full)
    monkeypatch.setattr("transforms.m4.warming.loops", lambda: (Compiled(loop, loop),))
    assert loop(21.0) == 10.5
    assert run("warm") == 1
    said = capsys.readouterr()
    assert "No space left on device; make room there" in " ".join((said.out + said.err).split())
