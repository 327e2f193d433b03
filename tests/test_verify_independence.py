"""That a verification is an opinion of its own, and of the same things."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms import plan
from transforms.histogram import utility_bins
from transforms.verification import evidence
from transforms.verification.labels import bins_of


def test_it_shares_no_code_with_the_solver() -> None:
    folder = Path(evidence.__file__).parent
    modules = [f"transforms.verification.{path.stem}" for path in folder.glob("[a-z]*.py")]
    assert len(modules) > 10
    code = f"import {', '.join(modules)}, jobs.verify, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    solver = (
        *(
            "problem",
            "weights",
            "m4",
            "dual",
            "newton",
            "ascent",
            "boxes",
            "balancing",
            "terms",
            "measures",
        ),
        *("stochastic", "pairs", "sampling", "histogram", "plan", "planning", "bounds", "targets"),
        *("packing", "resampling", "copying", "tars", "tar_headers", "tar_renaming", "manifest"),
    )
    found = set(loaded.stdout.decode().split())
    assert set(modules) <= found
    assert not {f"transforms.{name}" for name in solver} & found


def test_what_both_must_agree_on_is_written_down_alike() -> None:
    assert plan.VERSION == evidence.PLAN_VERSION


@given(st.floats(2.0**-20, 2.0**40) | st.just(0.0))
def test_utility_bins_are_those_of_the_plan(utility: float) -> None:
    values = np.array([utility])
    assert bins_of(values) == utility_bins(values)
