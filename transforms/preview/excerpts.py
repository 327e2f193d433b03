"""A part of a caption, around the word that a name goes by."""

import re
from collections.abc import Iterable

_BEFORE = 40
_AFTER = 60


def around(caption: str, words: Iterable[str]) -> tuple[str, str, str]:
    """What stands before the first of `words` in a caption, the word, and what stands after it.

    Where none is found, the caption's beginning is what stands before; in one line, shortened.
    """
    text = " ".join(caption.split())
    found = [
        match
        for word in words
        if (match := re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))
    ]
    if not found:
        most = _BEFORE + _AFTER
        return (text if len(text) <= most else f"{text[:most]}…"), "", ""
    first = min(found, key=lambda match: (match.start(), -match.end()))
    before, after = text[: first.start()], text[first.end() :]
    return (
        before if len(before) <= _BEFORE else f"…{before[-_BEFORE:]}",
        first[0],
        after if len(after) <= _AFTER else f"{after[:_AFTER]}…",
    )
