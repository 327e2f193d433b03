"""Calibrations, read back: log odds that correct samples, or a sentence."""

import fsspec
import numpy as np
import scipy.sparse as sp

from tests.fuzzing.editing import edited
from transforms.base.errors import FairshardError
from transforms.calibration.log_odds import soft_attributes
from transforms.calibration.posteriors import Calibration, Posterior, read_calibration

_PATH = "/fuzz/calibration.json"


def seeds() -> list[bytes]:
    """A calibration, and its JSON with other things in it."""
    posterior = Posterior(np.array([1, 2]), np.array([0.5, 1.0, -1.0]), np.eye(3), 0.4, 40, 20)
    calibration = Calibration(("g.a", "g.b"), ("l.c",), {"g.a": (posterior, posterior)}, "s", "m")
    content = calibration.to_json()
    other = content.replace(b'"g.a": [', b'"g.x": [')
    wide = content.replace(b"0.4", b"4e200")
    infinite = content.replace(b"0.5", b"1e999")
    return [content, other, infinite, wide, content.replace(b"[", b"{"), b"[]"]


def check(content: bytes) -> None:
    """Read `content`, and a right one that it edits, as a calibration; correct samples by it."""
    for candidate in (content, edited(seeds()[0], content)):
        _check(candidate)


def _check(content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(_PATH, content)
    try:
        calibration = read_calibration(f"memory:/{_PATH}")
    except FairshardError:
        return
    s = np.array([[False] * len(calibration.attributes), [True] * len(calibration.attributes)])
    soft = soft_attributes(s, sp.csr_array(np.ones((2, len(calibration.labels)))), calibration.odds)
    assert soft.shape == s.shape
    assert (soft >= 0).all()
    assert (soft <= 1).all()
    for k, name in enumerate(calibration.attributes):
        if name in calibration.posteriors:
            assert np.isfinite(calibration.covariance(k, 1)).all()
