"""Text of strangers on a terminal: what would command it is spelt out."""

from collections.abc import Mapping
from typing import Any

_TAKEN_AS_THEY_ARE = frozenset(map(ord, "\n\t"))
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SPELT = {code: ascii(chr(code))[1:-1] for code in _CONTROLS if code not in _TAKEN_AS_THEY_ARE}


def visible(text: str) -> str:
    r"""`text` with control characters, and those that turn its direction, as \x1b or \u202e."""
    return text.translate(_SPELT)


def visible_values(value: Any) -> Any:
    """A JSON value, every text in it `visible`."""
    match value:
        case str():
            return visible(value)
        case Mapping():
            return {visible(str(key)): visible_values(entry) for key, entry in value.items()}
        case list() | tuple():
            return [visible_values(entry) for entry in value]
        case _:
            return value
