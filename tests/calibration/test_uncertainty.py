"""The error of corrected measures, against draws of the calibration's coefficients."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.noisy import noisy_corpus
from transforms.calibration.log_odds import CorrectedHistogram
from transforms.calibration.uncertainty import calibration_error
from transforms.statistics.measures import measure


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_the_error_is_that_of_drawn_coefficients(share_of: str) -> None:
    """Each attribute's coefficients are drawn by themselves: their errors are taken to add up."""
    world = noisy_corpus(3, n=20_000, c=4, share_of=share_of)
    calibration = world.calibration(10_000, 0)
    corrected = CorrectedHistogram.of(world.histogram, calibration.odds)
    random = np.random.default_rng(0)
    q = random.uniform(0.2, 1, len(corrected))
    expected = calibration_error(world.histogram, calibration, world.attributes, q)
    spread: dict[str, Any] = {"share": 0, "AB": 0, "skew": 0}
    for k in (0, 1):
        drawn = []
        for _ in range(400):
            effects = calibration.odds.effects.copy()
            for value in (0, 1):
                mean, covariance = effects[k, value], calibration.covariance(k, value)
                effects[k, value] = random.multivariate_normal(mean, covariance)
            other = replace(corrected, odds=replace(calibration.odds, effects=effects))
            drawn.append(measure(other, world.attributes, q))
        for name in spread:
            spread[name] += np.std([getattr(found, name) for found in drawn], axis=0)
    assert pytest.approx(spread["share"], rel=0.12) == expected.RB
    assert pytest.approx(spread["AB"], rel=0.12) == expected.AB
    assert expected.skew == pytest.approx(spread["skew"], rel=0.12)


def test_an_attribute_taken_as_recognised_has_no_error() -> None:
    world = noisy_corpus(3, n=3000, c=2)
    whole = world.calibration(1000, 0)
    calibration = replace(whole, posteriors={"people.b": whole.posteriors["people.b"]})
    corrected = CorrectedHistogram.of(world.histogram, calibration.odds)
    q = np.ones(len(corrected))
    error = calibration_error(corrected, calibration, world.attributes, q)
    assert error.RB[0] == 0 and not error.AB[0].any() and not error.skew[0].any()
    assert error.RB[1] > 0 and error.AB[1].all() and error.skew[1].all()


def test_what_no_sample_carries_has_no_error_to_speak_of() -> None:
    world = noisy_corpus(3, n=3000, c=2)
    y = world.y.copy()
    y[:, 0] = False
    bare = replace(world, y=y)
    calibration = bare.calibration(1000, 0)
    corrected = CorrectedHistogram.of(bare.histogram, calibration.odds)
    error = calibration_error(corrected, calibration, bare.attributes, np.ones(len(corrected)))
    assert np.isnan(error.skew[:, 0]).all()
    assert np.isfinite(error.AB).all()
