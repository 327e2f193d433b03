"""Groups of attributes, and which samples show any attribute of one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from transforms.config.schema import Attribute


def groups_of(attributes: tuple[Attribute, ...]) -> tuple[str, ...]:
    """The groups that the attributes are of, (G,), by first appearance."""
    return tuple(dict.fromkeys(attribute.group for attribute in attributes))


def groups_shown(s: NDArray[Any], attributes: tuple[Attribute, ...]) -> NDArray[np.bool_]:
    """Which groups each row of recognised attributes, (n, m), shows any of, bool (n, G)."""
    shown = np.empty((len(s), len(groups_of(attributes))), np.bool_)
    for number, group in enumerate(groups_of(attributes)):
        members = [attribute.group == group for attribute in attributes]
        shown[:, number] = s[:, members].any(axis=1)
    return shown
