"""plan.json, read back: a plan that gives weights, or a sentence."""

import numpy as np

from tests.fuzzing.artefacts import STORAGE, artefacts, put
from tests.fuzzing.editing import edited
from transforms.base.errors import FairshardError
from transforms.plan.plan import read_plan
from transforms.storage import paths


def seeds() -> list[bytes]:
    """A plan, and its JSON with other things in it."""
    plan = artefacts()[paths.PLAN]
    infinite = plan.replace(b'"price": 0.', b'"price": -1e999')
    return [
        plan,
        infinite,
        plan.replace(b"0.5", b"NaN"),
        plan.replace(b'"target": 0.5', b'"target": NaN'),
        plan.replace(b"0.5", b"[1]"),
        b"{}",
        b"[" * 2000,
    ]


def check(content: bytes) -> None:
    """Read `content`, and a right one that it edits, as a plan, and weigh two samples by it."""
    for candidate in (content, edited(seeds()[0], content)):
        _check(candidate)


def _check(content: bytes) -> None:
    put(paths.PLAN, content)
    try:
        plan = read_plan(STORAGE)
    except FairshardError:
        return
    flags = np.zeros((2, len(plan.terms.attributes) + len(plan.terms.labels)), np.bool_)
    flags[1] = True
    weights = plan.weights(flags, np.ones(2))
    assert weights.shape == (2,)
    assert np.isfinite(weights).all() or b"e+30" in plan.file.to_json()
    assert plan.identity
