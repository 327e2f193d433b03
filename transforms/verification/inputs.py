"""The samples of the input shards, counted again: each one is labelled or rejected."""

import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import IO, Any

import fsspec

from transforms.base.counts import counted
from transforms.base.errors import FairshardError, reason_of
from transforms.shards.web_files import as_told
from transforms.storage import paths
from transforms.storage.files import version_of
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    Evidence,
    LabelRecordEvidence,
)
from transforms.verification.input_rows import check_rows
from transforms.verification.labels import read_table
from transforms.verification.origins import OriginRange, opened_input, origin_of
from transforms.verification.tars import key_of, members_of, passed_over

_DAMAGED_FROM = re.compile(r"from byte (\d+) on")
_OF_ONE_KEY = re.compile(r"its key holds a dot: .* so that ([1-9]\d{0,9}) have the key")


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive members of one key, in [start, end) of a tar."""

    key: str
    start: int
    end: int


def check_input(
    evidence: Evidence, record: LabelRecordEvidence, counted: bool, check: Check
) -> None:
    """Compare an input shard with the version that was labelled, and where `counted` its samples
    with the rows and rejects that are of it.
    """
    shard = record.shard
    try:
        info = _info(shard.url, evidence.input_options)
    except FairshardError as error:
        check.skip(str(error))
        return
    found = (info.get("size"), version_of(info))
    said = (shard.bytes, shard.version)
    changed = any(now and then and now != then for now, then in zip(found, said, strict=True))
    if changed:
        check.differ(
            f"the input shard {shard.url} is not what was labelled: it has {found[0]:,} bytes, "
            f"version {found[1]}, and had {said[0]:,} bytes, version {said[1]}"
        )
    if not counted:
        return
    if evidence.written is None:
        check_rows(evidence, record, check)
        return
    origin = origin_of(record, read_table(evidence.storage, paths.labels(shard.name)))
    keys, errors = read_table(evidence.storage, paths.rejects(shard.name)).rejected()
    until = _damaged_from(keys, errors)
    try:
        with opened_input(origin, evidence.input_options) as stream:
            runs, whole = _runs(stream, until)
    except FairshardError as error:
        check.skip(f"an input shard cannot be read any more: {error}")
        return
    if not whole:
        check.skip(f"what follows byte {until:,} of {shard.url}, where it was taken for damaged")
    check.checked += len(runs)
    _check_runs(origin, runs, _rejected(keys, errors), check)


def _check_runs(
    origin: OriginRange, runs: list[_Run], rejected: Counter[str], check: Check
) -> None:
    """Each row is of a sample of its own, and the samples without a row are those rejected."""
    left = {run.start: run for run in runs}
    for key, offset, size in zip(origin.keys, origin.offsets, origin.sizes, strict=True):
        run = left.pop(offset, None)
        if run != _Run(key, offset, offset + size):
            check.differ(
                f"the labels of {origin.name} have {key!r} in bytes {offset:,} to {offset + size:,}"
                f", where the shard has {repr(run.key) if run else 'no sample, or one labelled'}"
            )
    if len(left) != rejected.total():
        unknown = [run.key for run in left.values() if not rejected[_shown(run.key)]]
        example = f": {unknown[0]!r}, for one, is in neither" if unknown else ""
        check.differ(
            f"{origin.name} has {counted(len(runs), 'sample')}, and "
            f"{len(origin.keys):,} labels and {rejected.total():,} rejects are of it{example}"
        )


def _rejected(keys: list[str], errors: list[str]) -> Counter[str]:
    """The rejected samples by key; those whose keys hold dots are one sample, as for loaders."""
    found = Counter[str]()
    dotted = Counter[tuple[str, int]]()
    for key, error in zip(keys, errors, strict=True):
        if many := _OF_ONE_KEY.search(error):
            dotted[key_of(key), int(many[1])] += 1
        elif key:
            found[key] += 1
    for (key, count), rejects in dotted.items():
        found[key] += sum(divmod(rejects, count))
    return found


def _damaged_from(keys: list[str], errors: list[str]) -> int:
    """The byte from which on rejects without a key say that a shard cannot be read."""
    of_shard = (error for key, error in zip(keys, errors, strict=True) if not key)
    places = (_DAMAGED_FROM.search(error) for error in of_shard)
    return min((int(place[1]) for place in places if place), default=sys.maxsize)


def _runs(stream: IO[bytes], until: int) -> tuple[list[_Run], bool]:
    """The samples of a tar up to byte `until` as webdataset groups them; whether those are all.

    None spans two archives that were joined.
    """
    runs: list[_Run] = []
    current = None
    for member, archive, end in members_of(stream):
        if end > until:
            return runs, False
        if passed_over(member):
            continue
        key = key_of(member.name)
        if current == (archive, key):
            runs[-1] = _Run(key, runs[-1].start, end)
        else:
            runs.append(_Run(key, member.offset, end))
        current = archive, key
    return runs, True


def _info(url: str, options: dict[str, Any]) -> dict[str, Any]:
    try:
        system, path = fsspec.core.url_to_fs(url, **options)
        return dict(system.info(path))
    except Exception as error:  # storage libraries raise exceptions of their own
        told = as_told(error, url)
        if isinstance(told, FileNotFoundError):
            raise FairshardError(f"the input shard {url} does not exist any more") from None
        raise FairshardError(
            f"the input shard {url} cannot be looked up: {reason_of(told)}"
        ) from None


def _shown(key: str) -> str:
    return key.encode("utf-8", "backslashreplace").decode()
