"""Examples in prose, tried."""

import doctest
import re
from typing import Any

_TINY = re.compile(r"\d\.\de[+-]\d\d")


class _Checker(doctest.OutputChecker):
    """Takes any figure with an exponent for any other: the last bits are the machine's."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(_TINY.sub("tiny", want), _TINY.sub("tiny", got), optionflags)


def tried(name: str, text: str, known: dict[str, Any]) -> int:
    """How many examples there are in a text, each of which gives what it says."""
    test = doctest.DocTestParser().get_doctest(text, {**known}, name, name, 0)
    found = doctest.DocTestRunner(_Checker(), optionflags=doctest.ELLIPSIS).run(test)
    assert not found.failed, name
    return found.attempted
