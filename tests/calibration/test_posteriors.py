"""What checked samples say of true attributes, against a simulation that knows them."""

import numpy as np
import pytest
import scipy.sparse as sp

from tests.noisy import noisy_corpus, sigmoid
from transforms.base.errors import FairshardError
from transforms.calibration.log_odds import LogOdds
from transforms.calibration.posteriors import Calibration, Posterior, read_calibration
from transforms.calibration.uncertainty import measured_error
from transforms.config.sections import Balance
from transforms.m4.balance import balance
from transforms.statistics.measures import measure


def test_intervals_cover_the_truth_as_often_as_stated() -> None:
    """100 samples of 600 with known log odds: of all 95 % intervals of what is true of a sample
    without and with each label, about 95 % hold."""
    random = np.random.default_rng(1)
    effects = np.array([-1.0, 0.8, 0.0, -0.5])
    covered, covered_rates = [], []
    rows = np.column_stack([np.ones(4), np.vstack([np.zeros(3), np.eye(3)])])
    for _ in range(100):
        y = random.random((600, 3)) < (0.3, 0.2, 0.1)
        truth = random.random(600) < sigmoid(effects[0] + y @ effects[1:])
        found = Posterior.of(np.hstack([np.ones((600, 1), np.bool_), y]), truth, 1)
        assert found.features.tolist() == [1, 2, 3]
        error = rows @ (found.coefficients - effects)
        deviation = np.sqrt(np.einsum("ij,jk,ik->i", rows, found.covariance, rows))
        covered.append(np.abs(error) <= 1.96 * deviation)
        low, high = found.rate_interval
        patterns = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, -1).T
        chance = np.prod(np.where(patterns, (0.3, 0.2, 0.1), (0.7, 0.8, 0.9)), axis=1)
        covered_rates.append(low <= chance @ sigmoid(effects[0] + patterns @ effects[1:]) <= high)
    assert 0.92 <= np.mean(covered) <= 0.98
    assert np.mean(covered, axis=0).min() >= 0.88
    assert 0.9 <= np.mean(covered_rates) <= 0.99


def test_samples_chosen_by_recognised_value_say_the_same() -> None:
    """Half of the checked samples recognised, where a third of the corpus is."""
    world = noisy_corpus(2, n=100_000)
    posterior = world.calibration(20_000, 0).posteriors["people.a"]
    random = np.random.default_rng(0)
    for value in (0, 1):
        side = np.flatnonzero(world.recognised[:, 0] == value)
        chosen = random.permutation(side)[:10_000]
        found = Posterior.of(world.flags[chosen], world.true[chosen, 0], 2)
        expected = world.true[side, 0].mean()
        assert found.rate == pytest.approx(expected, abs=0.012)
        assert posterior[value].rate == pytest.approx(expected, abs=0.015)


def test_rare_labels_have_no_effect_and_labels_that_say_nothing_next_to_none() -> None:
    random = np.random.default_rng(0)
    y = random.random((800, 12)) < 0.3
    y[:, 0] = np.arange(800) < 9
    y[:, 1] = np.arange(800) >= 9
    truth = random.random(800) < 0.7
    found = Posterior.of(y, truth, 0)
    assert found.features.tolist() == list(range(2, 12))
    assert found.width <= 0.2
    assert np.abs(found.coefficients[1:]).max() < 0.15
    assert sigmoid(found.coefficients[:1] + found.coefficients[1:].sum() * 0.3) == pytest.approx(
        truth.mean(), abs=0.02
    )


def test_a_recogniser_that_is_always_right_is_nearly_certain() -> None:
    found = Posterior.of(np.ones((1000, 1), np.bool_), np.ones(1000, np.bool_), 1)
    assert sigmoid(found.coefficients[0]) > 0.999
    assert found.rate_interval[1] == 1
    assert found.rate_interval[0] > 0.99


def test_a_calibration_passes_through_its_file(tmp_path) -> None:
    calibration = noisy_corpus(0, n=3000).calibration(1000, 0)
    path = tmp_path / "calibration.json"
    path.write_bytes(calibration.to_json())
    again = read_calibration(str(path))
    assert again.to_json() == calibration.to_json()
    assert np.array_equal(again.odds.effects, calibration.odds.effects)
    for value in (0, 1):
        assert np.array_equal(again.covariance(1, value), calibration.covariance(1, value))


def test_what_no_sample_says_has_the_variance_of_the_prior() -> None:
    calibration = noisy_corpus(0, n=3000, c=2).calibration(1000, 0)
    pair = calibration.posteriors["people.a"]
    bare = Posterior(np.array([1]), np.array([0.1, 0.2]), np.eye(2) / 9, 0.4, 30, 20)
    calibration = Calibration(
        calibration.attributes, calibration.labels, {"people.a": (bare, pair[1])}, "", ""
    )
    expected = np.diag([1 / 9, 0, 1 / 9, 0.16, 0.16])
    assert calibration.covariance(0, 0) == pytest.approx(expected)
    assert calibration.odds.checked.tolist() == [True, False]


@pytest.mark.parametrize("content", [b"{}", b"[1]", b"no json", b'{"version": 99}', b"\xff"])
def test_a_file_that_is_no_calibration_is_said_to_be_none(tmp_path, content: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    with pytest.raises(FairshardError, match="is not a calibration"):
        read_calibration(str(path))
    with pytest.raises(FairshardError, match=r"does not exist: run `fairshard calibrate`"):
        read_calibration(str(tmp_path / "none.json"))


def test_log_odds_are_said_by_name() -> None:
    calibration = noisy_corpus(0, n=3000, c=2).calibration(1000, 0)
    said = calibration.odds.to_dict(calibration.attributes, calibration.labels)
    first = said["people.a"][1]
    assert first["intercept"] == calibration.odds.effects[0, 1, 0]
    assert first["y.things.1"] == calibration.odds.effects[0, 1, 4]
    assert "s.people.a" not in first
    again = LogOdds.from_dict(said, calibration.attributes, calibration.labels)
    assert np.array_equal(again.effects, calibration.odds.effects)
    assert np.array_equal(again.checked, calibration.odds.checked)
    assert sp.csr_array(again.effects[0]).nnz


@pytest.mark.parametrize("share_of", ["all", "group"])
def test_the_true_bias_of_the_balanced_corpus_is_what_was_asked_for(share_of: str) -> None:
    """Of 5 corpora with 2,000 checked samples each: the recognised labels miss it by far."""
    asked = Balance(eta=0.5, max_representation_bias=0.01, max_association_bias=0.02)
    within: dict[str, list[bool]] = {"calibrated": [], "as labelled": []}
    for seed in range(5):
        world = noisy_corpus(seed, share_of=share_of)
        calibration = world.calibration(2_000, seed)
        corrected = calibration.corrected(world.histogram)
        for name, corpus in (("calibrated", corrected), ("as labelled", world.histogram)):
            found = balance(corpus, world.attributes, asked)
            assert not found.solution.missed
            true, q = world.truly(found.solution.q), found.solution.q
            error = measured_error(corrected, calibration, world.attributes, q)
            within[name] += (true.RB <= 0.01 + 1.96 * error.RB).tolist()
            within[name] += (np.abs(true.AB) <= 0.02 + 1.96 * error.AB).ravel().tolist()
            if name == "as labelled":
                assert true.max_AB > 0.1
                assert true.max_RB > 0.03
                predicted = measure(corrected, world.attributes, q)
                assert pytest.approx(true.AB, abs=4 * error.AB.max()) == predicted.AB
            else:
                assert true.max_AB < 0.06
                assert true.max_RB < 0.035
    assert np.mean(within["calibrated"]) >= 0.95
    assert np.mean(within["as labelled"]) <= 0.6


def test_intervals_of_the_corrected_bias_cover_the_true_one() -> None:
    """30 corpora: RB and AB of the corpus as it is, by 95 % intervals."""
    covered = []
    for seed in range(30):
        world = noisy_corpus(seed, n=20_000)
        calibration = world.calibration(2_000, seed)
        corrected = calibration.corrected(world.histogram)
        q = np.ones(len(corrected))
        found, true = measure(corrected, world.attributes), world.truly(q)
        error = measured_error(corrected, calibration, world.attributes, q)
        covered += (np.abs(found.share - true.share) <= 1.96 * error.RB).tolist()
        covered += (np.abs(found.AB - true.AB) <= 1.96 * error.AB).ravel().tolist()
    assert 0.92 <= np.mean(covered) <= 0.995
