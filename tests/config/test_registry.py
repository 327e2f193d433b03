"""Registries: entries by name, of fairshard's own modules and of installed packages."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from transforms.base.errors import ConfigError
from transforms.config.registry import Registry

GROUP = "fairshard.shapes"
SHAPE = """
from tests.config.test_registry import Shape
SQUARE = Shape("square", "four equal sides")
raise_on_access = None
"""


@dataclass(frozen=True)
class Shape:
    """Something to register."""

    name: str
    about: str


@pytest.fixture
def shapes() -> Registry[Shape]:
    """A registry that holds a circle."""
    registry: Registry[Shape] = Registry("shape", GROUP)
    registry.register(Shape("circle", "no corner"))
    return registry


def installed(folder: Path, points: str, code: str = SHAPE) -> None:
    """Install a distribution `outlines` whose entry points are `points`."""
    (folder / "outlines.py").write_text(code)
    metadata = folder / "outlines-2.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outlines\nVersion: 2.1\n")
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which what is installed is found."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "outlines", raising=False)
    return tmp_path


def test_an_entry_is_found_by_its_name(shapes: Registry[Shape]) -> None:
    shapes.register(Shape("arc", "a part of a circle"))
    assert list(shapes) == ["arc", "circle"]
    assert (shapes["arc"].about, shapes.origin("arc")) == ("a part of a circle", "fairshard")
    assert "arc" in shapes
    assert len(shapes) == 2


def test_what_there_is_not_is_said_with_what_there_is(shapes: Registry[Shape]) -> None:
    with pytest.raises(ConfigError, match="there is no shape 'cube'; there are: circle"):
        shapes["cube"]
    with pytest.raises(ConfigError, match="there is no shape 'cube'; there are: none is loaded"):
        Registry[Shape]("shape")["cube"]


def test_one_name_is_one_entry(shapes: Registry[Shape]) -> None:
    circle = shapes["circle"]
    assert shapes.register(circle) is circle
    with pytest.raises(ConfigError, match="'circle', and so does fairshard: rename"):
        shapes.register(Shape("circle", "another"))


def test_what_is_of_another_class_is_refused(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    shapes: Registry[Shape] = Registry("shape", GROUP, Shape)
    installed(place, "square = pathlib:Path")
    shapes.load("tests.config")
    assert not shapes
    assert "outlines 2.1 registers a type, which is no shape" in caplog.text
    assert shapes.broken("square").endswith("which is no shape")
    assert shapes.broken("circle") == ""


def test_an_installed_package_adds_its_own(shapes: Registry[Shape], place: Path) -> None:
    installed(place, "square = outlines:SQUARE")
    for _ in range(2):
        shapes.load("tests.config")
    assert list(shapes) == ["circle", "square"]
    assert shapes.origin("square") == "outlines 2.1"


@pytest.mark.parametrize(
    ("points", "code", "why"),
    [
        ("square = outlines:SQUARE", "raise ImportError('no ruler')", "no ruler"),
        ("square = outlines:OVAL", SHAPE, "OVAL"),
        ("square = outlines:raise_on_access", SHAPE, "name"),
        ("square = outlines:SQUARE", SHAPE.replace('"square"', '"circle"'), "so does fairshard"),
    ],
)
def test_a_package_that_is_broken_is_left_out_and_said(
    shapes: Registry[Shape],
    place: Path,
    caplog: pytest.LogCaptureFixture,
    points: str,
    code: str,
    why: str,
) -> None:
    installed(place, points, code)
    shapes.load("tests.config")
    assert list(shapes) == ["circle"]
    assert "the shape 'square' is left out: outlines 2.1 fails as it is loaded: " in caplog.text
    assert why in caplog.text
    with pytest.raises(ConfigError, match=r"'square' cannot be used: outlines 2\.1 fails"):
        shapes["square"]
