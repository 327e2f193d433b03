"""Vectors of images as others give them: of any length, or of none."""

import numpy as np
import pytest

from transforms.base.errors import FairshardError
from transforms.config.model import Model
from transforms.recognition.image_vectors import VectorRecogniser, cosines, directed

VECTORS = np.random.default_rng(0).standard_normal((6, 512)).astype(np.float32)


@pytest.mark.parametrize("length", [1e-30, 1e-3, 1, 3, 1e30, 5e37])
def test_vectors_of_any_length_become_unit_vectors(length: float) -> None:
    expected, _ = directed(VECTORS)
    units, usable = directed((VECTORS * length).astype(np.float32))
    assert usable.all()
    assert units.dtype == np.float32
    assert np.linalg.norm(units, axis=1) == pytest.approx(np.ones(6), abs=1e-6)
    assert np.allclose(units, expected, atol=1e-6)


def test_zeros_and_what_is_not_finite_have_no_direction() -> None:
    vectors = VECTORS.copy()
    vectors[1], vectors[2, 7], vectors[3, 0], vectors[4, 0] = 0, np.nan, np.inf, -np.inf
    _, usable = directed(vectors)
    assert usable.tolist() == [True, False, False, False, False, True]


def test_cosines_are_rounded_as_similarities_are() -> None:
    units, _ = directed(VECTORS)
    assert cosines(units, units).tolist() == [1.0] * 6
    found = cosines(units[:1], units[1:2])[0]
    assert found == round(float(units[0].astype(np.float64) @ units[1]), 5)


def test_a_model_that_cannot_be_had_is_said() -> None:
    with pytest.raises(FairshardError, match="no open_clip_config"):
        VectorRecogniser(Model(name="local-dir:/no/such/folder"), ())
