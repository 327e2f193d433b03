"""The samples missing: how many, against closed forms, and none that could be spared."""

import pytest

from tests.problems import corpus
from transforms.config.sections import Balance
from transforms.feasibility.missing_samples import missing_samples
from transforms.feasibility.remedies import MissingPattern
from transforms.feasibility.subproblem import Subproblem
from transforms.feasibility.trials import Trials
from transforms.m4.balance import Balanced
from transforms.statistics.row_histograms import RowHistogram

WITHOUT_END = Trials(lambda: False)


def scene_of_carriers(carriers: int, eta: float, Q: float = 1.0) -> Subproblem:
    """1,000 samples, some with the one attribute, of which 40 % are asked."""
    samples = corpus([[1], [0]], [[], []], counts=[carriers, 1000 - carriers])
    asked = Balance(eta=eta, Q=Q, max_representation_bias=0.1)
    return Subproblem(RowHistogram.of(samples.histogram), samples.attributes, asked)


def no_wider(_: Balanced) -> Subproblem:
    raise AssertionError("the scene is the whole")


@pytest.mark.parametrize(
    ("carriers", "eta", "Q", "needed"),
    [(300, 0.9, 1.0, 94), (0, 1.0, 1.0, 667), (0, 0.5, 1.0, 250), (100, 1.5, 2.0, 286)],
)
def test_as_many_are_missing_as_the_closed_form_says(
    carriers: int, eta: float, Q: float, needed: int
) -> None:
    """Q (carriers + n) >= 0.4 eta (1,000 + n)."""
    scene = scene_of_carriers(carriers, eta, Q)
    found = missing_samples(scene, scene, no_wider, WITHOUT_END)
    assert found is not None
    assert (found.samples, found.least) == (needed, needed)
    assert found.patterns == (MissingPattern(("people.0",), needed),)


def test_where_no_sample_would_do_there_are_none() -> None:
    """Nobody carries both attributes, of which 60 % each are asked to within 5 %."""
    samples = corpus([[1, 0], [0, 1], [0, 0]], [[], [], []], counts=[300, 300, 400], target=0.6)
    asked = Balance(eta=0.9, max_representation_bias=0.05)
    scene = Subproblem(RowHistogram.of(samples.histogram), samples.attributes, asked)
    assert missing_samples(scene, scene, no_wider, WITHOUT_END) is None


@pytest.mark.parametrize("V", [1e-4, 0.01, 0.1])
def test_where_bounds_are_missed_for_their_price_alone_no_samples_are_missing(V: float) -> None:
    """Three of ten carry the attribute, and all can be met: it is cheaper not to."""
    samples = corpus([[1], [0]], [[], []], counts=[300, 700])
    asked = Balance(eta=0.5, V=V, max_representation_bias=0.1)
    scene = Subproblem(RowHistogram.of(samples.histogram), samples.attributes, asked)
    assert missing_samples(scene, scene, no_wider, WITHOUT_END) is None
