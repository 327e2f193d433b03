"""Balancers side by side."""

import numpy as np
import pytest

from tests.problems import corpus, random_corpus
from transforms.baselines.comparison import compare, compared
from transforms.config.balancers import in_order
from transforms.config.sections import Balance
from transforms.stages.registrations import load_balancers

load_balancers()


def test_m4_comes_first_and_meets_what_is_asked_as_the_others_do_not() -> None:
    samples = random_corpus(0, 4_000, 2, 4)
    rows = compare(samples.histogram, samples.attributes, Balance(eta=0.4))
    assert [row.balancer for row in rows] == ["M4", *in_order()]
    by_name = {row.balancer: row for row in rows}
    assert by_name["M4"].missed == ()
    assert by_name["M4"].RB <= 0.01 + 1e-6
    assert by_name["M4"].AB <= 0.05 + 1e-6
    assert by_name["uniform"].missed == ("RB", "AB")
    assert by_name["raking"].missed == ("AB",)
    assert by_name["quadratic calibration"].missed == ()
    assert by_name["M4"].distance <= by_name["quadratic calibration"].distance
    assert by_name["uniform"].effective == pytest.approx(1.0)
    assert all(row.rate == pytest.approx(0.4) for row in rows)


def test_a_rate_left_open_is_m4s_for_all() -> None:
    samples = corpus([[1], [0]], [[1], [1]], counts=[20, 80])
    asked = Balance(eta="auto", max_representation_bias=0.0, max_association_bias=None)
    rows = compare(samples.histogram, samples.attributes, asked)
    assert rows[0].rate == pytest.approx(0.4, abs=2e-3)
    assert all(row.rate == pytest.approx(rows[0].rate, abs=1e-6) for row in rows)


def test_figures_by_hand() -> None:
    """Weights of 0.5 and 2 on 40 and 10 of 50 samples."""
    samples = corpus([[1], [0]], [[0], [1]], counts=[40, 10])
    asked = Balance(eta=1.0, Q=2.0, max_label_skew=0.2)
    found = compared("by hand", samples.histogram, samples.attributes, asked, np.array([2.0, 0.5]))
    assert samples.histogram.counts.tolist() == [10, 40]
    assert found.rate == pytest.approx(0.8)
    biases = [found.RB, found.AB]
    assert biases == pytest.approx([0.0, 1.0])
    assert found.effective == pytest.approx(40**2 / 50 / 50)
    assert found.kept == pytest.approx((40 * 0.5 + 10) / 50)
    assert found.distance == pytest.approx(np.sqrt((40 * 0.25 + 10) / 50))
    assert found.missed == ("rate", "AB", "skew")
