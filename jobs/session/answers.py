"""What a command with --json prints on standard output: one JSON document, also where it fails."""

import json
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from transforms.base.errors import ConfigError
from transforms.base.redaction import redacted_values

_AS_JSON = "--json"
_END_OF_OWN = "--"
_given: ContextVar[bool] = ContextVar("given", default=False)


def expect_none() -> None:
    """A command begins: no document is printed yet."""
    _given.set(False)


def answer(values: Any) -> None:
    """Print the document of a command."""
    _given.set(True)
    print(json.dumps(values, ensure_ascii=False))


def answer_failure(words: Sequence[str], sentence: str, code: int, error: Exception) -> None:
    """Print what a command of these `words` failed of, if it was to print a document and has not.

    problems: what is wrong with a configuration, by key and line where they are known.
    """
    own = words[: words.index(_END_OF_OWN)] if _END_OF_OWN in words else words
    if _AS_JSON not in own or _given.get():
        return
    found = error.problems if isinstance(error, ConfigError) else ()
    problems = [
        {"key": each.key or None, "line": each.line, "reason": each.reason} for each in found
    ]
    answer(redacted_values({"error": sentence, "exit_code": code, "problems": problems}))
