"""That a verification is an opinion of its own, and of the same things."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.look.own_config import require_own
from jobs.look.verify import run
from tests.loading import ROOT, loaded, modules_of, ours, planted
from transforms import verification
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.config.files import read_config
from transforms.m4.solver import solve
from transforms.plan import plan_file
from transforms.plan.plan import read_plan
from transforms.resampling.sampling import systematic_copies
from transforms.shards.samples import read_samples
from transforms.shards.streams import open_tar
from transforms.statistics.measures import measures_of
from transforms.statistics.patterns import utility_bins
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed
from transforms.verification import evidence
from transforms.verification.labels import bins_of

_ALLOWED = (FairshardError, counted, Storage, open_tar, json_in, well_formed)
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
    assert plan_file.VERSION == evidence.PLAN_VERSION


@given(st.floats(2.0**-20, 2.0**40) | st.just(0.0))
def test_utility_bins_are_those_of_the_plan(utility: float) -> None:
    values = np.array([utility])
    assert bins_of(values) == utility_bins(values)
