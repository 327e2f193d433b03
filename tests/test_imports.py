"""What a process loads before it works: workers start by the thousand."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("engine", ["beam", "spark"])
def test_workers_load_neither_the_solver_nor_the_model(engine: str) -> None:
    code = f"import sys, pipelines.{engine}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.split()
    assert f"pipelines.{engine}" in loaded
    heavy = {"numba", "torch", "open_clip", "transforms.m4", "matplotlib", "great_expectations"}
    assert not (heavy | {"jinja2"}) & set(loaded)
