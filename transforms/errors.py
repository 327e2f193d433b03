"""Errors that a person can act on."""

import re

from transforms.redaction import redacted

_IN_A_TRACEBACK = re.compile(
    r"transforms\.errors\.(\w+): (.+?)(?: \[while running [^\n]*)?$", re.MULTILINE
)


class FairshardError(Exception):
    """One clear sentence: what is wrong, where, and what to do. Ends a run with `exit_code`.

    Secrets are taken out of the sentence, so that no log of any engine shows them.
    """

    exit_code = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(redacted(sentence))


class ConfigError(FairshardError):
    """The configuration is wrong: the sentence names the key and what is allowed."""

    exit_code = 2


class StaleError(FairshardError):
    """An artefact was made from other inputs than the ones at hand."""

    exit_code = 3


class GateError(FairshardError):
    """A critical expectation between two stages failed."""

    exit_code = 4


def error_in(traceback: str) -> FairshardError | None:
    """The FairshardError of a worker, from the text in which an engine reports it; or None."""
    kinds = {kind.__name__: kind for kind in (FairshardError, ConfigError, StaleError, GateError)}
    found = _IN_A_TRACEBACK.search(traceback)
    return kinds[found[1]](found[2]) if found and found[1] in kinds else None
