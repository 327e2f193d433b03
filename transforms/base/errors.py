"""Errors that a person can act on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class WrongKey:
    """One thing that is wrong with a configuration, with its key and its line, where it has them.

    place: the key, part by part, as validation met it.
    """

    reason: str
    place: tuple[str | int, ...] = ()
    line: int | None = None

    @property
    def key(self) -> str:
        """The key as people write it: `balance.overrides.0.labels`."""
        return ".".join(map(str, self.place))


class ConfigError(FairshardError):
    """The configuration is wrong: the sentence names the key and what is allowed."""

    exit_code = 2

    def __init__(self, sentence: str, problems: Sequence[WrongKey] = ()) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)


class UnknownOptionError(ConfigError):
    """An option that an engine does not have, nor fairshard: `option`."""

    def __init__(self, option: str, why: str) -> None:
        super().__init__(f"unknown option {option}: {why}")
        self.option = option


class StaleError(FairshardError):
    """An artefact was made from other inputs than the ones at hand."""

    exit_code = 3


class GateError(FairshardError):
    """A critical expectation between two stages failed."""

    exit_code = 4


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
