"""What a process loads before it works: workers start by the thousand."""

import subprocess
import sys
from pathlib import Path

import pytest

import fairshard
import pipelines
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.loading import ROOT, loaded, modules_of, planted
from tests.outputs import finished_output
from tests.runs import seen_corpus
from transforms.baselines import quadratic_calibration
from transforms.config.sections import Config
from transforms.m4.solver import solve
from transforms.recognition import recognisers
from transforms.report.page import write_report
from transforms.resampling.drawing import keep_shard
from transforms.stages.registrations import load_registrations

_HEAVY = {"numba", "torch", "open_clip", "great_expectations", "jinja2", solve.__module__}
_FOR_SOME = {"re2", "snowballstemmer", quadratic_calibration.__name__}


def _heavy(engine: str, root: Path = ROOT) -> set[str]:
    return loaded([engine], root) & _HEAVY


@pytest.mark.parametrize("engine", [BeamEngine, SparkEngine])
def test_workers_load_neither_the_solver_nor_the_model(engine: type) -> None:
    assert engine.__module__ in modules_of(pipelines)
    assert _heavy(engine.__module__) == set()


def _heavy_in_workers(root: Path = ROOT) -> set[str]:
    """What of the heavy, and of what some configurations alone need, is loaded once all is
    registered that workers register.
    """
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); "
        f"from {load_registrations.__module__} import load_registrations as load; "
        "load(); print(*sys.modules)"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.split()) & (_HEAVY | _FOR_SOME)


def test_what_workers_register_loads_neither_the_solver_nor_the_model(tmp_path: Path) -> None:
    """Nor balancers, whose libraries workers need not have."""
    assert _heavy_in_workers() == set()
    name = quadratic_calibration.__name__
    root = planted(tmp_path, modules_of(recognisers)[1], f"import {name}")
    assert name in _heavy_in_workers(root)


def test_recognisers_are_registered_without_the_model(tmp_path: Path) -> None:
    modules = modules_of(recognisers)
    assert len(modules) > 3
    assert loaded(modules) & _HEAVY == set()
    root = planted(tmp_path, modules[1], "import torch")
    assert "torch" in loaded(modules, root)


@pytest.mark.parametrize("heavy", ["numba", solve.__module__])
def test_a_planted_import_is_seen(tmp_path: Path, heavy: str) -> None:
    root = planted(tmp_path, keep_shard.__module__, f"import {heavy}")
    assert heavy in _heavy(BeamEngine.__module__, root)


_HEAVIEST = {
    "torch",
    "open_clip",
    "apache_beam",
    "pyspark",
    "great_expectations",
    "pandas",
    "polars",
}


def test_notebooks_load_neither_an_engine_nor_the_model() -> None:
    assert loaded([fairshard.__name__]) & _HEAVIEST == set()


_OF_SOME_COMMANDS = {
    *_HEAVIEST,
    "numba",
    "scipy",
    "jinja2",
    "prometheus_client",
    "pyarrow.dataset",
    quadratic_calibration.__name__,
    write_report.__module__,
}


def _loaded_by(*words: str, root: Path = ROOT) -> set[str]:
    """The modules that are loaded once a command has ended."""
    code = (
        f"import atexit, sys; sys.path.insert(0, {str(root)!r}); "
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr)); "
        f"from jobs.cli import main; main({list(words)!r})"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stderr.split())


def test_a_help_page_loads_no_more_than_it_shows(tmp_path: Path) -> None:
    """Nor does a page read configurations; what it names is loaded for that page alone."""
    of_configurations = {"numpy", "pyarrow", Config.__module__}
    assert _loaded_by("--help") & (_OF_SOME_COMMANDS | of_configurations) == set()
    assert quadratic_calibration.__name__ in _loaded_by("compare", "--help")
    root = planted(tmp_path, "jobs.look.commands", "import scipy")
    assert "scipy" in _loaded_by("--help", root=root)


def test_a_status_loads_neither_the_solver_nor_the_report(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    finished_output(config)
    assert _loaded_by("status", config.output.url) & _OF_SOME_COMMANDS == set()
    root = planted(tmp_path, "jobs.look.status", "import scipy")
    assert "scipy" in _loaded_by("status", config.output.url, root=root)
