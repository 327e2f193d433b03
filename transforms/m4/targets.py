"""The bounds that a configuration puts on each measure of the balanced corpus."""

import numpy as np
from numpy.typing import NDArray

from transforms.base.errors import ConfigError, WrongKey
from transforms.base.nearest import did_you_mean
from transforms.config.balance import MAX_BOUNDS
from transforms.config.columns import typed
from transforms.config.schema import Attribute
from transforms.config.sections import Balance
from transforms.m4.terms import VACUOUS
from transforms.statistics.measures import PerMeasure


def targets_of(
    attributes: tuple[Attribute, ...], labels: tuple[str, ...], balance: Balance
) -> PerMeasure:
    """The largest RB, AB and skew that `balance` asks for; 1 asks for nothing.

    Nothing is asked of attributes without a target. Of overrides that fit, the last counts. Raises
    ConfigError where one names an attribute or a label that there is not.
    """
    shape = (len(attributes), len(labels))
    RB = np.full(shape[0], _bound(balance.max_representation_bias))
    AB = np.full(shape, _bound(balance.max_association_bias))
    skew = np.full(shape, _bound(balance.max_label_skew))
    for number, override in enumerate(balance.overrides):
        where = f"balance.overrides.{number}"
        rows = _fitting(override.attributes, _names(attributes), f"{where}.attributes")
        columns = _fitting(override.labels, labels, f"{where}.labels")
        pairs = np.ix_(rows, columns)
        if override.max_representation_bias is not None:
            RB[rows] = override.max_representation_bias
        if override.max_association_bias is not None:
            AB[pairs] = override.max_association_bias
        if override.max_label_skew is not None:
            skew[pairs] = override.max_label_skew
    open_ones = [k for k, attribute in enumerate(attributes) if attribute.target is None]
    for bounds in (RB, AB, skew):
        bounds[open_ones] = VACUOUS
    return PerMeasure(RB, AB, skew)


def generation_targets(
    attributes: tuple[Attribute, ...], labels: tuple[str, ...], balance: Balance
) -> PerMeasure | None:
    """What `balance` asks of a generation by itself; None where it asks for nothing."""
    if not balance.of_generation:
        return None
    nothing = dict.fromkeys(MAX_BOUNDS)
    only = balance.model_copy(update={**nothing, "overrides": balance.of_generation})
    return targets_of(attributes, labels, only)


def asked_only(targets: PerMeasure) -> PerMeasure:
    """The bounds of `targets_of`, nan where nothing is asked."""
    bounds = (targets.RB, targets.AB, targets.skew)
    return PerMeasure(*(np.where(bound < VACUOUS, bound, np.nan) for bound in bounds))


def _bound(value: float | None) -> float:
    return VACUOUS if value is None else value


def _names(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attributes)


def _fitting(wanted: tuple[str, ...], names: tuple[str, ...], where: str) -> NDArray[np.bool_]:
    """Which of `names` (group.name) are wanted, by name or by group; all where nothing is."""
    for entry in wanted:
        if not any(_fits(entry, name) for name in names):
            reason = f"there is no {entry!r}; there are {', '.join(names)}"
            reason += did_you_mean(entry, names)
            raise ConfigError(f"{where}: {reason}", [WrongKey(reason, tuple(where.split(".")))])
    return np.array([not wanted or any(_fits(entry, name) for entry in wanted) for name in names])


def _fits(entry: str, name: str) -> bool:
    return entry in (name, typed(name), name.partition("@")[0], name.partition(".")[0])
