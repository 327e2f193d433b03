"""Why no key of samples is one of rows: the usual accidents, told by a few keys of both."""

import re
from collections.abc import Callable, Sequence

from transforms.base.visible import visible

_LONGEST = 60
_EXTENSION = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")
_WITH_POINT = re.compile(r"^-?[0-9]+\.0+$")

_Has = Callable[[str], bool]

_DO, _ARE = "do not", "are"
_ACCIDENTS: tuple[tuple[_Has, str, str], ...] = (
    (lambda key: key != key.strip(), "have spaces around them", _DO),
    (lambda key: bool(_EXTENSION.search(key)), "end in an extension", _DO),
    (lambda key: bool(_WITH_POINT.search(key)), "end in .0", _DO),
    (lambda key: "/" in key.strip("/"), "have a folder or tar before them", _DO),
    (lambda key: key.isdecimal() and key[0] == "0" and len(key) > 1, "have leading zeros", _DO),
    (lambda key: key != key.lower(), "have capital letters", _DO),
    (lambda key: "-" in key, "have hyphens", _DO),
    (lambda key: not key.isdecimal(), "are no numbers", _ARE),
)


def likely_cause(of_samples: Sequence[str], of_rows: Sequence[str]) -> str:
    """What keys of one side have and those of the other have not, as the end of a sentence."""
    for has, told, others in _ACCIDENTS:
        samples, rows = (sum(map(has, keys)) for keys in (of_samples, of_rows))
        if samples == len(of_samples) and not rows:
            return f"; those of samples {told}, and those of rows {others}"
        if rows == len(of_rows) and not samples:
            return f"; those of rows {told}, and those of samples {others}"
    return ""


def shown(keys: Sequence[str]) -> str:
    """A few keys, in quotes."""
    return ", ".join(map(_quoted, keys))


def _quoted(key: str) -> str:
    cut = key if len(key) <= _LONGEST else f"{key[:_LONGEST]}..."
    return f"'{visible(cut)}'"
