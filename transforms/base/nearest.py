"""What somebody may have meant who wrote a name that there is not."""

import difflib
from collections.abc import Iterable


def nearest(written: str, known: Iterable[str]) -> str | None:
    """The one of the `known` names that `written` is most like; None where it is like none.

    Of a dotted name its last part may be meant, and the case of letters does not matter.
    """
    whole = {name.casefold(): name for name in reversed(tuple(known))}
    parts = {name.rpartition(".")[2]: whole[name] for name in reversed(whole)}
    for among in (whole, parts | whole):
        if found := difflib.get_close_matches(written.casefold(), among, n=1, cutoff=0.7):
            return among[found[0]]
    return None


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """The end of a sentence on a wrong name: `; did you mean 'x'?`, or nothing."""
    meant = nearest(written, known)
    return f"; did you mean {meant!r}?" if meant is not None else ""
