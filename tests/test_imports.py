"""What a process loads before it works: workers start by the thousand."""

from pathlib import Path

import pytest

import fairshard
import pipelines
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.loading import ROOT, loaded, modules_of, planted
from transforms.m4.solver import solve
from transforms.recognition import recognisers
from transforms.resampling.drawing import keep_shard

_HEAVY = {"numba", "torch", "open_clip", "great_expectations", "jinja2", solve.__module__}


def _heavy(engine: str, root: Path = ROOT) -> set[str]:
    return loaded([engine], root) & _HEAVY


@pytest.mark.parametrize("engine", [BeamEngine, SparkEngine])
def test_workers_load_neither_the_solver_nor_the_model(engine: type) -> None:
    assert engine.__module__ in modules_of(pipelines)
    assert _heavy(engine.__module__) == set()


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
