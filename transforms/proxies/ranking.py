"""Candidate labels, ranked by their association with each sensitive attribute."""

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.special import erfc

from transforms.config.forms import NAME
from transforms.config.groups import CrossedGroup
from transforms.config.recognisers import RECOGNISERS
from transforms.config.schema import Attribute
from transforms.config.sections import Config
from transforms.proxies.contingency import Tally
from transforms.recognition.folding import normalised
from transforms.recognition.settings import recognitions

Vector = NDArray[np.float64]
_Z = 1.959963984540054
FALSE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Proxy:
    """The association of a candidate with an attribute, with 95 % intervals.

    samples: those that mention the candidate. share and share_of_others: among the samples with
    the attribute, and among those without (with another of its group, for a share of the group).
    AB is their difference; log_odds the logarithm of their odds ratio. q_value: the share of false
    findings among all candidates at least as significant as this one.
    """

    candidate: str
    samples: int
    share: float
    share_of_others: float
    AB: float
    AB_low: float
    AB_high: float
    log_odds: float
    log_odds_low: float
    log_odds_high: float
    q_value: float


def ranked(
    tally: Tally, attributes: tuple[Attribute, ...], excluded: Collection[str], top: int
) -> dict[str, tuple[Proxy, ...]]:
    """For each attribute, the `top` candidates by what |AB| is at least, where that is above 0.

    `excluded` are normalised candidates that are left out. An attribute that no sample carries, or
    all do, has none. Q-values are of all candidates and attributes tested here together, by
    Benjamini and Hochberg's control of the false discovery rate.
    """
    from scipy.stats import false_discovery_control  # slow to load, for a command that ranks alone

    names = np.array(tally.candidates, dtype=object)
    open_to = np.array([normalised(name).strip() not in excluded for name in names], dtype=np.bool_)
    names, samples, counts = (
        names[open_to],
        tally.mentions[open_to],
        tally.mentions_on_side[open_to],
    )
    m = len(attributes)
    tested = [k for k in range(m) if tally.on_side[k] and tally.on_side[m + k]]
    found: dict[str, tuple[Proxy, ...]] = {attribute.name: () for attribute in attributes}
    tables = [
        (counts[:, k], tally.on_side[k], counts[:, m + k], tally.on_side[m + k]) for k in tested
    ]
    odds = [log_odds_ratio(*table) for table in tables]
    p_values = [p_value(*table) for table in tables]
    together = np.concatenate([np.empty(0), *p_values])
    q_values = np.split(false_discovery_control(together), len(tested) or 1)
    for position, k in enumerate(tested):
        with_it, carriers, with_it_of_others, others = tables[position]
        share, other_share = with_it / carriers, with_it_of_others / others
        low, high = difference_interval(*tables[position])
        ratio, error = odds[position]
        at_least = np.where(share > other_share, low, -high)
        order = np.lexsort((names.astype(str), -np.abs(share - other_share), -at_least))[:top]
        found[attributes[k].name] = tuple(
            Proxy(
                names[row],
                int(samples[row]),
                float(share[row]),
                float(other_share[row]),
                float(share[row] - other_share[row]),
                float(low[row]),
                float(high[row]),
                float(ratio[row]),
                float(ratio[row] - _Z * error[row]),
                float(ratio[row] + _Z * error[row]),
                float(q_values[position][row]),
            )
            for row in order.tolist()
            if at_least[row] > 0
        )
    return found


def wilson_interval(count: NDArray[np.int64], whole: int) -> tuple[Vector, Vector]:
    """The 95 % interval of a share count / whole, (n,) each end.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927).
    """
    share = count / whole
    middle = share + _Z**2 / (2 * whole)
    reach = _Z * np.sqrt(share * (1 - share) / whole + _Z**2 / (4 * whole**2))
    scale = 1 + _Z**2 / whole
    return (middle - reach) / scale, (middle + reach) / scale


def difference_interval(
    count: NDArray[np.int64], whole: int, other: NDArray[np.int64], other_whole: int
) -> tuple[Vector, Vector]:
    """The 95 % interval of count / whole - other / other_whole, (n,) each end.

    Source: Newcombe, "Interval estimation for the difference between independent proportions",
    Statistics in Medicine 17 (1998), method 10.
    """
    share, other_share = count / whole, other / other_whole
    low, high = wilson_interval(count, whole)
    other_low, other_high = wilson_interval(other, other_whole)
    difference = share - other_share
    below = np.sqrt((share - low) ** 2 + (other_high - other_share) ** 2)
    above = np.sqrt((high - share) ** 2 + (other_share - other_low) ** 2)
    return difference - below, difference + above


def log_odds_ratio(
    count: NDArray[np.int64], whole: int, other: NDArray[np.int64], other_whole: int
) -> tuple[Vector, Vector]:
    """The log odds ratio of two shares and its standard error, (n,) each, 1/2 added to each cell.

    Sources: Woolf, "On estimating the relation between blood group and disease", Annals of Human
    Genetics 19 (1955); Haldane, "The estimation and significance of the logarithm of a ratio of
    frequencies", Annals of Human Genetics 20 (1956).
    """
    cells = [cell + 0.5 for cell in (count, whole - count, other, other_whole - other)]
    ratio = np.log(cells[0]) - np.log(cells[1]) - np.log(cells[2]) + np.log(cells[3])
    error = np.sqrt(sum(1 / cell for cell in cells))
    return ratio, error


def p_value(
    count: NDArray[np.int64], whole: int, other: NDArray[np.int64], other_whole: int
) -> Vector:
    """The probability of shares at least as different if they were of one population, (n,).

    Source: Yates, "Contingency tables involving small numbers and the chi-square test", Supplement
    to the Journal of the Royal Statistical Society 1 (1934).
    """
    n, both = float(whole + other_whole), (count + other).astype(float)
    unlike = np.abs(count * float(other_whole) - other * float(whole))
    spread = float(whole) * other_whole * both * (n - both)
    square = n * np.maximum(unlike - n / 2, 0.0) ** 2 / np.where(spread > 0, spread, np.inf)
    return np.asarray(erfc(np.sqrt(square / 2)))


def configured(config: Config) -> frozenset[str]:
    """What is no candidate, normalised: the configuration's names, and what they are looked for by.

    Lexicon terms and field values are that, for two.
    """
    groups = [*config.attributes.values(), *config.labels.values()]
    named = (group for group in groups if not isinstance(group, CrossedGroup))
    names = [name for group in named for name in group.names]
    for given in recognitions(config):
        for key, settings in given.items():
            names += RECOGNISERS[key].terms(settings)
    return frozenset(normalised(name).strip() for name in names)


def labels_of(proxies: Mapping[str, tuple[Proxy, ...]], field: str | None) -> dict[str, Any]:
    """Labels, by name, that recognise the candidates of a q-value up to 0.05."""
    chosen = dict.fromkeys(
        proxy.candidate
        for of_attribute in proxies.values()
        for proxy in of_attribute
        if proxy.q_value <= FALSE_SHARE
    )
    return {
        candidate if NAME.fullmatch(candidate) else f"proxy-{number}": _recognition(
            candidate, field
        )
        for number, candidate in enumerate(chosen, start=1)
    }


def snippet(names: Mapping[str, Any], config: Config) -> str:
    """The section `labels:` that has the labels `names` as a group of their own; "" of none."""
    if not names:
        return ""
    section = {"labels": {new_group(config): {"names": dict(names)}}}
    return yaml.safe_dump(section, sort_keys=False, allow_unicode=True, default_flow_style=None)


def new_group(config: Config) -> str:
    """What a group of proxies is called: `proxies`, or another name where there is one."""
    more = (f"more proxies {number}" for number in itertools.count(2))
    names = itertools.chain(("proxies", "more proxies"), more)
    return next(name for name in names if name not in config.labels)


def _recognition(candidate: str, field: str | None) -> dict[str, Any]:
    if field is None:
        return {"lexicon": [candidate]}
    return {"field": {"path": field, "values": [candidate]}}
