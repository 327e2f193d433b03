"""How an output is trained on: the command of open_clip that reads each of its samples."""

import re
import shlex
from pathlib import Path, PurePosixPath

from transforms.config.writers import DEFAULT_FORMAT
from transforms.resampling.manifest import Manifest
from transforms.storage import paths
from transforms.storage.files import Storage

_MOST_WORKERS = 4
_BATCH = 64
"""The batch of open_clip where none is given."""
_OF_FIVE_DIGITS = 100_000
_ON_DISK = ("", "file", "local")
_PIPES = {"s3": "aws s3 cp {} -", "s3a": "aws s3 cp {} -", "gs": "gsutil cat {}"}
_SPECIAL = re.compile(r"[\\{}]")


def training_command(manifest: Manifest, storage: Storage) -> str | None:
    """The command, as a shell takes it; None where there are no shards that open_clip can read.

    Samples count as often as they are written. Workers share the shards out: there are no more than
    whose shards hold a batch each, as one that cannot fill a batch would wait for ever.
    """
    shards = len(manifest.shards)
    where = _pattern(shards, storage)
    if not shards or manifest.packing.format != DEFAULT_FORMAT or where is None:
        return None
    words = ["python", "-m", "open_clip_train.main", "--dataset-type", "webdataset"]
    words += ["--train-data", where, "--train-num-samples", str(manifest.totals.written)]
    if manifest.totals.written < _BATCH:
        words += ["--batch-size", str(manifest.totals.written)]
    return shlex.join([*words, "--workers", str(_workers(manifest))])


def _workers(manifest: Manifest) -> int:
    """The most workers of which each has samples for a batch, whichever shards it is given."""
    sizes = sorted(shard.samples for shard in manifest.shards)
    fit = (
        workers
        for workers in range(min(len(sizes), _MOST_WORKERS), 1, -1)
        if sum(sizes[: len(sizes) // workers]) >= _BATCH
    )
    return next(fit, 1)


def _pattern(shards: int, storage: Storage) -> str | None:
    """The shards as webdataset expands them; None where their place cannot be written so."""
    scheme, apart, rest = storage.path(paths.SHARDS).rpartition("://")
    if "::" in rest:
        return None
    if scheme in _ON_DISK:
        return f"{_literal(str(Path(rest).absolute()))}/{_names(shards)}"
    if scheme not in _PIPES:
        return None
    folder = shlex.quote(f"{scheme.replace('s3a', 's3')}{apart}{rest}/")
    return f"pipe:{_PIPES[scheme].format(_literal(folder) + _names(shards))}"


def _literal(text: str) -> str:
    """`text` with what would be expanded escaped."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def _names(shards: int) -> str:
    """The names of so many shards; braces give all numbers the digits of the longest."""
    last = PurePosixPath(paths.output_shard(shards - 1))
    if shards == 1:
        return last.name
    if shards <= _OF_FIVE_DIGITS:
        return f"{{00000..{last.stem}}}{last.suffix}"
    return f"{{{{00000..99999}},{{{_OF_FIVE_DIGITS}..{last.stem}}}}}{last.suffix}"
