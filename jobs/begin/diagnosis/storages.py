"""The storages of a configuration: can shards be found, can the output be written?"""

import sys
import time
import uuid
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import known_implementations

from jobs.begin.diagnosis.finding import Finding, missing, ok, warning
from jobs.begin.diagnosis.machine import check_disk
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted
from transforms.config.sections import Config
from transforms.shards.finding import Shard
from transforms.shards.inputs import found_apart
from transforms.shards.left_out import in_words
from transforms.storage.files import Storage, output_storage

_CLOCK_SECONDS = 60
_KEYS = {
    "input": "input.shards and input.storage_options",
    "output": "output.url and output.storage_options",
    "labels": "output.labels and output.storage_options",
}


def check_input(config: Config) -> tuple[Finding, tuple[Shard, ...]]:
    """Whether the input shards are found, and which."""
    try:
        found = found_apart(config)
    except FairshardError as error:
        if isinstance(error.__cause__, ImportError):
            return unreachable(
                "input", config.input.patterns[0], error.__cause__, _KEYS["input"]
            ), ()
        return missing("input", str(error), f"correct {config.input.key}"), ()
    except Exception as error:  # storage libraries raise exceptions of their own
        return unreachable("input", config.input.patterns[0], error, _KEYS["input"]), ()
    size = sum(shard.bytes for shard in found.shards)
    said = f"{counted(len(found.shards), 'shard')}, {size / 1e6:,.1f} MB"
    aside = f"; {in_words(found.left_out)}" if found.left_out else ""
    return ok("input", f"{said}{aside}"), found.shards


def check_output(config: Config) -> list[Finding]:
    """Whether a file can be written to the output, and to its labels' place where that is another.

    It is read back, and removed again. Nothing stays behind: where the folder does not exist, the
    one that it is to be in is tried.
    """
    output = output_storage(config.output)
    found = _check_writable(output, "output", "output.url")
    return (
        found
        if output.labels is None
        else found + _check_writable(output.of_labels, "labels", "output.labels")
    )


def _check_writable(place: Storage, check: str, key: str) -> list[Finding]:
    url = place.url
    try:
        storage = Storage(_existing(url, place.options), place.options)
        name, sent = f"fairshard-doctor-{uuid.uuid4().hex}", time.time()
        storage.publish(name, name.encode())
        try:
            whole = storage.read(name) == name.encode()
            clocks = _clocks(storage, name, sent)
        finally:
            storage.delete(name)
    except Exception as error:  # storage libraries raise exceptions of their own
        return [unreachable(check, url, error, _KEYS[check])]
    if not whole:
        return [missing(check, f"{redacted(url)} gives back other bytes", f"set {key}")]
    return [ok(check, f"{redacted(url)} can be written to"), *clocks]


def check_room(config: Config, shards: tuple[Shard, ...]) -> Finding | None:
    """Whether a local output has room for the shards to be kept; None where it is not local."""
    url = config.output.url
    if "://" in url and not url.startswith("file://"):
        return None
    eta = config.balance.eta
    share = 1.0 if isinstance(eta, str) else max(1.0, config.balance.Q) * eta
    needed = round(share * sum(shard.bytes for shard in shards))
    return check_disk(_parent(Path(url.removeprefix("file://"))), needed)


def _clocks(storage: Storage, name: str, sent: float) -> list[Finding]:
    """A warning where the store's clock is far from this machine's."""
    system, path = _system(storage.path(name), storage.options)
    try:
        apart = abs(system.modified(path).timestamp() - sent)
    except Exception:  # many storages know no times
        return []
    if apart <= _CLOCK_SECONDS:
        return []
    return [
        warning(
            "clock",
            f"{apart:,.0f} s from the storage's, which may refuse what is signed here",
            "timedatectl set-ntp true",
        )
    ]


def unreachable(check: str, url: str, error: Exception, keys: str) -> Finding:
    """What is said of a storage that fails with `error`; `keys` of the configuration name it."""
    protocol = url.partition("://")[0] if "://" in url else "file"
    if isinstance(error, ImportError):
        module = str(known_implementations[protocol]["class"]).partition(".")[0]
        package = f"fsspec[{protocol}]" if module == "fsspec" else module
        return missing(
            check,
            f"{protocol}:// needs a package that is not installed",
            f"{sys.executable} -m pip install '{package}'",
        )
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return missing(
        check,
        redacted(f"{url}: {' '.join(str(reason).split())[:200]}"),
        f"give access to it, or correct {keys}",
    )


def _existing(url: str, options: dict[str, Any]) -> str:
    """`url`, or the nearest folder above it that exists, on a local disk."""
    system, path = _system(url, options)
    return str(_parent(Path(path))) if isinstance(system, LocalFileSystem) else url


def _parent(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _system(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    system, path = fsspec.core.url_to_fs(url, **options)
    return system, path
