"""The order of the prices: the vector, the numbers by kind and the names say the same."""

from dataclasses import replace

import numpy as np
import pytest

from tests.problems import Limits, random_corpus
from transforms.m4.constraints import (
    ConstraintTable,
    arranged,
    constraints_under,
    flattened,
    unflattened,
)
from transforms.m4.terms import Terms, Tolerances


def terms_of(m: int, c: int, skewed: bool) -> Terms:
    """Terms whose tolerances differ throughout."""
    draw = np.random.default_rng(0).random
    tolerances = Tolerances(draw(m), draw((m, c)), draw((m, c)) if skewed else np.ones((m, c)))
    attributes, labels = (
        random_corpus(0, 1, m, c).attributes,
        tuple(f"things.{r}" for r in range(c)),
    )
    return replace(Limits(0.5).terms(attributes, labels), tolerances=tolerances)


def test_the_order_is_kind_then_side_then_attribute_then_label() -> None:
    found = constraints_under(terms_of(2, 2, True))
    assert [(one.kind, one.sign) for one in found[::4]] == [
        ("representation", 1),
        ("association", 1),
        ("association", -1),
        ("skew", 1),
        ("skew", -1),
    ]
    assert [one.sign for one in found[:4]] == [1, 1, -1, -1]
    attributes = [one.attribute for one in found]
    assert attributes[:4] == attributes[:2] * 2
    assert attributes[4:8] == [attributes[0]] * 2 + [attributes[1]] * 2
    assert [one.label for one in found[:4]] == [None] * 4
    labels = [one.label for one in found[4:]]
    assert labels == labels[:2] * 8 and labels[0] != labels[1]


@pytest.mark.parametrize(("c", "skewed"), [(0, False), (3, False), (3, True)])
def test_both_forms_and_the_names_agree(c: int, skewed: bool) -> None:
    terms = terms_of(2, c, skewed)
    constraints, table = constraints_under(terms), ConstraintTable.of(terms)
    vector = np.arange(1.0, len(constraints) + 1)
    by_kind = unflattened(vector, terms)
    assert np.array_equal(flattened(by_kind, terms), vector)
    names = [attribute.name for attribute in terms.attributes]
    given = zip(constraints, vector.tolist(), strict=True)
    again = arranged(given, names, terms.labels, 0.0)
    assert all(np.array_equal(again[kind], by_kind[kind]) for kind in by_kind)
    assert table.sign.tolist() == [constraint.sign for constraint in constraints]
    tolerances = terms.tolerances
    allowed = [
        getattr(tolerances, one.kind)[
            (k,) if one.label is None else (k, terms.labels.index(one.label))
        ]
        for one in constraints
        for k in [names.index(one.attribute)]
    ]
    assert table.tolerance.tolist() == allowed
