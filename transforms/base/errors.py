"""Errors that a person can act on."""

import re

from transforms.base.redaction import redacted

_IN_A_TRACEBACK = re.compile(
    rf"{re.escape(__name__)}\.(\w+): (.+?)(?: \[while running [^\n]*)?$", re.MULTILINE
)
_LONGEST_REASON = 300


class FairshardError(Exception):
    """One clear sentence: what is wrong, where, and what to do. Ends a run with `exit_code`.

    Secrets are taken out of the sentence, so that no log of any engine shows them.
    """

    exit_code = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(redacted(sentence))


class UnreachableError(FairshardError):
    """A storage could not be asked: nothing is known of what it holds, or does not."""


class ConfigError(FairshardError):
    """The configuration is wrong: the sentence names the key and what is allowed."""

    exit_code = 2


class StaleError(FairshardError):
    """An artefact was made from other inputs than the ones at hand."""

    exit_code = 3


class GateError(FairshardError):
    """A critical expectation between two stages failed."""

    exit_code = 4


class UnmetError(FairshardError):
    """A run is done, and what it made misses what was asked for: no failure, and no success."""

    exit_code = 5


_KINDS = {
    kind.__name__: kind
    for kind in (FairshardError, UnreachableError, ConfigError, StaleError, GateError)
}


def error_in(traceback: str) -> FairshardError | None:
    """The FairshardError of a worker, from the text in which an engine reports it; or None."""
    found = _IN_A_TRACEBACK.search(traceback)
    return _KINDS[found[1]](found[2]) if found and found[1] in _KINDS else None


def reason_of(error: Exception, longest: int = _LONGEST_REASON) -> str:
    """What an error says, in one line; where it says nothing, its kind."""
    said = getattr(error, "strerror", None) or " ".join(str(error).split())[:longest]
    return said or type(error).__name__
