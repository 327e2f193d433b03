"""Edits of JSON documents, chosen by bytes: how fuzzing gets past the parser."""

import copy
import json
from typing import Any

_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    0.5,
    1e308,
    float("nan"),
    2**70,
    "",
    "x",
    "s.gender.woman",
    [],
    {},
    [[1.0]],
    {"name": "x"},
)


def edited(document: bytes, choices: bytes) -> bytes:
    """The JSON `document` after an edit for each four bytes of `choices`, at most 16.

    Two bytes choose the place, one whether it is replaced, removed or doubled, one the new value.
    """
    values = json.loads(document)
    for at in range(0, min(len(choices), 64) - 3, 4):
        places = list(_places(values))
        if not places:
            break
        first, second, how, what = choices[at : at + 4]
        holder, key = places[(first << 8 | second) % len(places)]
        if how % 4 == 0:
            del holder[key]
        elif how % 4 == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(_VALUES[what % len(_VALUES)])
    return json.dumps(values).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    if not isinstance(value, dict | list):
        return []
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    places = [(value, key) for key in keys]
    for key in keys:
        places += _places(value[key])
    return places
