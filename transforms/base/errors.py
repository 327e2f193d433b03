"""Errors that a person can act on, and what has to be done about each kind of them."""

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms.base.redaction import redacted

_IN_A_TRACEBACK = re.compile(
    rf"{re.escape(__name__)}\.(\w+): (.+?)(?: \[while running [^\n]*)?$", re.MULTILINE
)
_LONGEST_REASON = 300


class FairshardError(Exception):
    """One clear sentence: what is wrong, where, and what to do. Ends a run with `exit_code`.

    Secrets are taken out of the sentence, so that no log of any engine shows them. The `remedy` of
    its kind is what has to be done before the same run can succeed, "" where nothing has.
    """

    exit_code = 1
    remedy = "do what the error says"

    def __init__(self, sentence: str) -> None:
        super().__init__(redacted(sentence))


class UnreachableError(FairshardError):
    """A storage could not be asked: nothing is known of what it holds, or does not."""

    remedy = "see to the storage, as the error says"


class ForbiddenError(UnreachableError):
    """A storage refuses this user."""

    remedy = "give this user the right to read its input, and to write its output"


class FullError(FairshardError):
    """A storage has no room left."""

    remedy = "free room where the error says there is none"


class MissingInputError(FairshardError):
    """An input shard does not exist."""

    remedy = "restore the shard, or leave it out of input.shards"


class BudgetError(FairshardError):
    """More of the input cannot be used than the configuration allows."""

    remedy = (
        "replace or mend the shards that the error names, or leave them out of input.shards, or "
        "raise the limit that it names"
    )


class DeviceMemoryError(FairshardError):
    """The model's device has not the memory for one sample."""

    remedy = "give the model a larger device (model.device), or run fewer workers on it"


class TransientError(FairshardError):
    """What an engine does once and not again."""

    remedy = ""


class LostWorkerError(FairshardError):
    """A process of the run died."""

    remedy = "give it more memory or fewer workers, if memory ran out"


class SupersededError(FairshardError):
    """Another run took the output over."""

    remedy = "wait until the other run has ended"


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
    remedy = "correct the configuration"

    def __init__(self, sentence: str, problems: Sequence[WrongKey] = ()) -> None:
        super().__init__(sentence)
        self.problems = tuple(problems)


class UnknownOptionError(ConfigError):
    """An option that an engine does not have, nor fairshard: `option`, where that is known."""

    def __init__(self, sentence: str, option: str = "") -> None:
        super().__init__(sentence)
        self.option = option


class StaleError(FairshardError):
    """An artefact was made from other inputs than the ones at hand."""

    exit_code = 3
    remedy = "make anew what the error says is of other inputs"


class ChangedInputError(StaleError):
    """The input changed while the run went on."""

    remedy = "see that nobody writes to the input"


class GateError(FairshardError):
    """A critical expectation between two stages failed."""

    exit_code = 4
    remedy = (
        "see in validations/index.html of the output what was not as expected, then mend the data, "
        "or correct what is asked for or expected"
    )


class UnmetError(FairshardError):
    """A run is done, and what it made misses what was asked for: no failure, and no success."""

    exit_code = 5


def _with_those_below(kind: type[FairshardError]) -> Iterator[type[FairshardError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _with_those_below(each)


_KINDS = {kind.__name__: kind for kind in _with_those_below(FairshardError)}
_REMEDIES = {name: kind.remedy for name, kind in _KINDS.items()} | {
    "MemoryError": LostWorkerError.remedy,
    "OutOfMemoryError": DeviceMemoryError.remedy,
}
_UNEXPECTED = "report the error, if it comes again, as nobody expected one of its kind"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)
_REFUSED_BY_SERVERS = (401, 403)


def kind_of(error: BaseException) -> str:
    """The kind of an error, by name; a system's is of the kind that a storage's would be."""
    if isinstance(error, OSError):
        error = storage_error(error, "")
    return type(error).__name__


def remedy_of(kind: str | None) -> str:
    """What has to be done before a run can succeed that ended with an error of this kind, by name.

    "" where nothing has; None is the kind of errors that were kept without theirs.
    """
    return FairshardError.remedy if kind is None else _REMEDIES.get(kind, _UNEXPECTED)


def storage_error(error: Exception, sentence: str) -> FairshardError:
    """What to raise where a storage fails with `error`: of the kind that it is."""
    number = getattr(error, "errno", None)
    if number in _NO_ROOM:
        return FullError(sentence)
    refused = isinstance(error, PermissionError) or number in _REFUSED
    refused |= getattr(error, "status", None) in _REFUSED_BY_SERVERS
    return ForbiddenError(sentence) if refused else UnreachableError(sentence)


def error_in(traceback: str) -> FairshardError | None:
    """The FairshardError of a worker, from the text in which an engine reports it; or None."""
    found = _IN_A_TRACEBACK.search(traceback)
    return _KINDS[found[1]](found[2]) if found and found[1] in _KINDS else None


def reason_of(error: Exception, longest: int = _LONGEST_REASON) -> str:
    """What an error says, in one line; where it says nothing, its kind."""
    said = getattr(error, "strerror", None) or " ".join(str(error).split())[:longest]
    return said or type(error).__name__
