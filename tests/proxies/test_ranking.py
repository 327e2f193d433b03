"""Ranking candidates: published intervals, q-values by definition, and planted proxies."""

import math

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from transforms.config.files import parse_config
from transforms.config.schema import Attribute
from transforms.config.sections import Config
from transforms.proxies.contingency import Tally, sides_of
from transforms.proxies.ranking import (
    Proxy,
    configured,
    difference_interval,
    labels_of,
    log_odds_ratio,
    p_value,
    ranked,
    snippet,
    wilson_interval,
)

COUNT = st.integers(0, 60)


def one(*numbers: int) -> tuple[np.ndarray, int, np.ndarray, int]:
    count, whole, other, other_whole = numbers
    return np.array([count]), whole, np.array([other]), other_whole


def config_of(**sections: object) -> Config:
    values: dict[str, object] = {
        "input": {"shards": "in/*.tar"},
        "attributes": {
            "gender": {
                "names": {
                    "woman": {"target": 0.5, "lexicon": ["Woman", "young lady"]},
                    "man": {"target": 0.5, "field": {"path": "who", "values": "gent"}},
                }
            }
        },
        "labels": {"thing": {"names": {"neck tie": {"lexicon": ["tie"]}}}},
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    return Config.model_validate({**values, **sections})


@pytest.mark.parametrize(
    ("numbers", "interval"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.0582, 0.8062)),
        ((5, 56, 0, 29), (-0.0381, 0.1926)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
        ((10, 10, 0, 20), (0.6791, 1.0000)),
    ],
)
def test_intervals_of_differences_are_those_that_newcombe_gives(
    numbers: tuple[int, int, int, int], interval: tuple[float, float]
) -> None:
    """Newcombe (1998), table II, method 10."""
    low, high = difference_interval(*one(*numbers))
    assert (float(low[0]), float(high[0])) == pytest.approx(interval, abs=6e-5)


def test_the_interval_of_a_share_is_wilsons() -> None:
    """81 of 263: Newcombe (1998), "Two-sided confidence intervals for the single proportion"."""
    low, high = wilson_interval(np.array([81]), 263)
    assert (float(low[0]), float(high[0])) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_log_odds_by_hand() -> None:
    ratio, error = log_odds_ratio(*one(9, 19, 4, 24))
    assert ratio[0] == pytest.approx(math.log((9.5 * 20.5) / (10.5 * 4.5)))
    assert error[0] == pytest.approx(math.sqrt(1 / 9.5 + 1 / 10.5 + 1 / 4.5 + 1 / 20.5))


@given(count=COUNT, missing=st.integers(1, 60), other=COUNT, other_missing=st.integers(1, 60))
def test_p_values_are_those_of_the_corrected_chi_square_test(
    count: int, missing: int, other: int, other_missing: int
) -> None:
    found = p_value(*one(count, count + missing, other, other + other_missing))
    table = [[count, missing], [other, other_missing]]
    expected = chi2_contingency(table, correction=True).pvalue if count + other else 1.0
    assert found[0] == pytest.approx(expected)


def planted() -> tuple[Tally, tuple[Attribute, ...]]:
    """1,000 women and 1,000 men: ties are the men's, bags the women's, cups anybody's."""
    rng = np.random.default_rng(0)
    attributes = tuple(Attribute(f"gender.{k}", "gender", 0.5, "group") for k in ("woman", "man"))
    woman = np.arange(2_000) < 1_000
    chances = {"tie": (0.02, 0.3), "bag": (0.25, 0.05), "cup": (0.2, 0.2), "Woman": (0.9, 0.0)}
    mentioned = [
        {name for name, chance in chances.items() if rng.random() < chance[0 if she else 1]}
        for she in woman
    ]
    sides = sides_of(np.column_stack([woman, ~woman]), attributes)
    return Tally(4).add(mentioned, sides), attributes


def test_planted_proxies_come_first_and_the_rest_is_left_out() -> None:
    tally, attributes = planted()
    found = ranked(tally, attributes, {"woman"}, 20)
    assert [proxy.candidate for proxy in found["gender.woman"]] == ["tie", "bag"]
    tie, bag = found["gender.woman"]
    assert tie.AB < 0 < bag.AB
    for proxy, AB in ((tie, -0.28), (bag, 0.20)):
        assert proxy.AB_low < AB < proxy.AB_high
        assert proxy.share - proxy.share_of_others == pytest.approx(proxy.AB)
        assert proxy.log_odds_low < proxy.log_odds < proxy.log_odds_high
        assert proxy.q_value < 1e-6
        assert proxy.AB_low * proxy.AB_high > 0
    assert tie.log_odds == pytest.approx(math.log((0.02 / 0.98) / (0.3 / 0.7)), abs=0.5)
    mirrored = found["gender.man"]
    assert [proxy.AB for proxy in mirrored] == pytest.approx([-tie.AB, -bag.AB])
    assert len(ranked(tally, attributes, {"woman"}, 1)["gender.man"]) == 1
    assert ranked(tally, attributes, set(), 1)["gender.man"][0].candidate == "Woman"


def test_q_values_are_of_all_candidates_and_attributes_together() -> None:
    """The least rate at which a candidate is found: the definition, pair by pair."""
    rng = np.random.default_rng(1)
    attributes = tuple(Attribute(f"g.{k}", "g", 0.5, "all") for k in "ab")
    on = rng.random((500, 2)) < 0.5
    chances = np.where(on[:, :1], [0.6, 0.45, 0.4], [0.4, 0.35, 0.4])
    mentioned = [
        {n for n, c in zip("xyz", row, strict=True) if rng.random() < c} for row in chances
    ]
    tally = Tally(4).add(mentioned, sides_of(on, attributes))
    m, counts, whole = len(attributes), tally.mentions_on_side, tally.on_side
    by_attribute = [
        p_value(counts[:, k], whole[k], counts[:, m + k], whole[m + k]) for k in range(m)
    ]
    every = np.concatenate(by_attribute)
    assert len({*every.tolist()}) == 2 * len(tally.candidates)
    for attribute, p_values in zip(attributes, by_attribute, strict=True):
        own = dict(zip(tally.candidates, p_values, strict=True))
        for proxy in ranked(tally, attributes, set(), 20)[attribute.name]:
            rates = [
                p * len(every) / (every <= p).sum() for p in every[every >= own[proxy.candidate]]
            ]
            assert proxy.q_value == pytest.approx(min(1.0, *rates), rel=1e-12)


def test_an_attribute_of_nobody_has_no_proxies() -> None:
    attributes = (Attribute("g.a", "g", 0.5, "all"),)
    sides = sides_of(np.zeros((5, 1), np.bool_), attributes)
    tally = Tally(2).add([{"tie"}] * 5, sides)
    assert ranked(tally, attributes, set(), 20) == {"g.a": ()}


def test_what_is_configured_is_no_candidate() -> None:
    assert configured(config_of()) == {"woman", "young lady", "man", "gent", "neck tie", "tie"}


def proxy_of(candidate: str, q_value: float = 0.0) -> Proxy:
    return Proxy(candidate, 10, 0.2, 0.1, 0.1, 0.05, 0.15, 0.8, 0.5, 1.1, q_value)


@pytest.mark.parametrize("field", [None, "objects"])
def test_the_snippet_is_a_configuration_that_recognises_the_proxies(field: str | None) -> None:
    proxies = {"a": (proxy_of("bag"), proxy_of("on")), "b": (proxy_of("café"), proxy_of("x", 0.2))}
    text = snippet(labels_of(proxies, field), config_of())
    sections = config_of().model_dump(mode="json", exclude={"labels"})
    config = parse_config(yaml.safe_dump(sections) + text, "snippet")
    names = config.labels["proxies"].names
    assert list(names) == ["bag", "on", "proxy-3"]
    for candidate, recognition in zip(("bag", "on", "café"), names.values(), strict=True):
        if field is None:
            assert recognition.lexicon == (candidate,)
        else:
            assert recognition.field is not None
            assert (recognition.field.path, recognition.field.values) == (field, (candidate,))


def test_a_snippet_takes_no_group_that_there_is_and_is_empty_without_findings() -> None:
    names = labels_of({"a": (proxy_of("bag"),)}, None)
    taken: dict[str, object] = {}
    for group in ("proxies", "more proxies", "more proxies 2", "more proxies 3"):
        found = yaml.safe_load(snippet(names, config_of(labels=taken)))["labels"]
        assert found == {group: {"names": names}}
        taken |= found
    assert snippet(labels_of({"a": (proxy_of("bag", 0.06),)}, None), config_of()) == ""
