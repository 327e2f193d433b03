"""What is asked for, attribute by attribute and pair by pair."""

import numpy as np
import pytest

from transforms.base.errors import ConfigError
from transforms.config.balance import GenerationBounds
from transforms.config.schema import Attribute
from transforms.config.sections import Balance, Override
from transforms.m4.targets import generation_targets, targets_of

ATTRIBUTES = tuple(
    Attribute(name, name.partition(".")[0], 0.5, "all")
    for name in ("gender.woman", "gender.man", "age.old@caption")
)
LABELS = ("job.nurse", "job.doctor", "thing.book")


def targets(*overrides: Override, **bounds: float | None) -> tuple[list[float], ...]:
    found = targets_of(ATTRIBUTES, LABELS, Balance(eta=0.5, overrides=overrides, **bounds))
    return found.RB.tolist(), found.AB.tolist(), found.skew.tolist()


def test_one_bound_holds_everywhere_and_null_asks_for_nothing() -> None:
    RB, AB, skew = targets(max_representation_bias=0.02, max_association_bias=None)
    assert RB == [0.02] * 3
    assert AB == [[1.0] * 3] * 3
    assert skew == [[1.0] * 3] * 3


def test_overrides_reach_names_groups_and_pairs_and_the_last_counts() -> None:
    RB, AB, skew = targets(
        Override(attributes=("gender",), max_representation_bias=0.1),
        Override(attributes=("gender.man",), max_representation_bias=0.2),
        Override(labels=("job",), max_association_bias=0.3),
        Override(attributes=("age.old",), labels=("thing.book",), max_label_skew=0.4),
        max_representation_bias=0.0,
        max_association_bias=0.01,
    )
    assert RB == [0.1, 0.2, 0.0]
    assert np.array(AB).T.tolist() == [[0.3] * 3, [0.3] * 3, [0.01] * 3]
    assert skew == [[1.0] * 3, [1.0] * 3, [1.0, 1.0, 0.4]]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (Override(attributes=("woman",), max_label_skew=0), "overrides.0.attributes: there is no"),
        (Override(labels=("job.cook",), max_label_skew=0), "overrides.0.labels: there is no 'job"),
    ],
)
def test_a_name_that_there_is_not_is_an_error(override: Override, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        targets(override)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"labels": "job", "max_representation_bias": 0.1}, "of attributes alone"),
        ({"labels": "job"}, "at least one"),
        ({"max_label_skew": 1.5}, "less than or equal to 1"),
    ],
)
def test_an_override_that_asks_for_nothing_is_an_error(values: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Override.model_validate(values)


def test_a_generation_has_bounds_that_no_override_loosens_further() -> None:
    """An override that tightens is of the union alone; one that loosens is of both."""
    own = GenerationBounds(max_representation_bias=0.1, max_association_bias=0.2)
    overrides = (
        Override(attributes=("gender.woman",), max_representation_bias=0.3),
        Override(attributes=("gender.man",), max_representation_bias=0.001),
        Override(labels=("job",), max_association_bias=1.0),
        Override(labels=("thing",), max_association_bias=0.05),
    )
    asked = Balance(eta=0.5, generation=own, overrides=overrides)
    open_one = (*ATTRIBUTES[:2], Attribute("age.old@caption", "age", None, "all"))
    found = generation_targets(open_one, LABELS, asked)
    assert found is not None
    assert found.RB.tolist() == [0.3, 0.1, 1.0]
    assert found.AB.tolist() == [[1.0, 1.0, 0.2], [1.0, 1.0, 0.2], [1.0, 1.0, 1.0]]
    assert found.skew.tolist() == [[1.0] * 3] * 3
    assert generation_targets(ATTRIBUTES, LABELS, Balance(eta=0.5)) is None


def test_some_demands_alone_may_be_asked_of_a_generation() -> None:
    own = GenerationBounds(max_association_bias=0.2)
    asked = Balance(eta=0.5, generation=own)
    one = Override(attributes=("gender.man",), labels=("job.nurse",), max_association_bias=0.2)
    found = generation_targets(ATTRIBUTES, LABELS, asked.asking_of_generation([one]))
    assert found is not None
    assert np.argwhere(found.AB < 1).tolist() == [[1, 0]]
    assert found.RB.tolist() == [1.0] * 3
    assert generation_targets(ATTRIBUTES, LABELS, asked.asking_of_generation([])) is None
