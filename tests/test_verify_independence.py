"""That a verification is an opinion of its own, and of the same things."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.own_config import require_own
from jobs.verify import run
from tests.loading import ROOT, loaded, modules_of, ours, planted
from transforms import plan, verification
from transforms.config_files import read_config
from transforms.documents import json_in
from transforms.errors import FairshardError
from transforms.histogram import utility_bins
from transforms.m4 import solve
from transforms.measures import measures_of
from transforms.plan import read_plan
from transforms.sampling import systematic_copies
from transforms.storage import Storage
from transforms.tar_streams import open_tar
from transforms.tars import read_samples
from transforms.verification import evidence
from transforms.verification.labels import bins_of
from transforms.wellformed import well_formed

_ALLOWED = (FairshardError, Storage, open_tar, json_in, well_formed)
_OF_THE_COMMAND = (read_config, require_own)


def _shared(root: Path = ROOT) -> set[str]:
    """What verification loads of fairshard besides its own and what is allowed."""
    own = modules_of(verification)
    return ours(loaded(own, root) - loaded(_modules(_ALLOWED), root)).difference(own)


def _modules(parts: Iterable[Any]) -> list[str]:
    return [part.__module__ for part in parts]


def test_it_shares_no_code_with_the_solver() -> None:
    assert len(modules_of(verification)) > 10
    assert _shared() == set()


def test_its_command_adds_the_reading_of_a_configuration_alone() -> None:
    known = [*modules_of(verification), *_modules((*_ALLOWED, *_OF_THE_COMMAND))]
    assert ours(loaded([run.__module__]) - loaded(known)) == {run.__module__}


@pytest.mark.parametrize("part", [solve, measures_of, read_plan, systematic_copies, read_samples])
def test_a_planted_import_is_seen(tmp_path: Path, part: Callable[..., Any]) -> None:
    line = f"from {part.__module__} import {part.__name__}"
    assert part.__module__ in _shared(planted(tmp_path, evidence.__name__, line))


def test_what_both_must_agree_on_is_written_down_alike() -> None:
    assert plan.VERSION == evidence.PLAN_VERSION


@given(st.floats(2.0**-20, 2.0**40) | st.just(0.0))
def test_utility_bins_are_those_of_the_plan(utility: float) -> None:
    values = np.array([utility])
    assert bins_of(values) == utility_bins(values)
