"""Errors that a person can act on."""


class FairshardError(Exception):
    """One clear sentence: what is wrong, where, and what to do. Ends a run with `exit_code`."""

    exit_code = 1


class ConfigError(FairshardError):
    """The configuration is wrong: the sentence names the key and what is allowed."""

    exit_code = 2


class StaleError(FairshardError):
    """An artefact was made from other inputs than the ones at hand."""

    exit_code = 3
