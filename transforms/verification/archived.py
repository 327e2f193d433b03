"""What is on file of a generation beside its plan: held against what it labelled and wrote."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, Field

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed
from transforms.verification.checks import Check
from transforms.verification.drawing import DrawingChecks
from transforms.verification.evidence import Evidence
from transforms.verification.labels import BIN_BYTES


class VouchedFile(BaseModel):
    """A file of a generation, as its record vouches for it."""

    size: int = Field(alias="bytes")
    digest: str


class InputSeen(BaseModel):
    """An input shard, as a generation labelled it."""

    shard: str
    bytes: int
    version: str


class GenerationRecord(BaseModel):
    """What is read of generations/NNNN/generation.json."""

    number: int
    plan: str
    labelled_by: dict[str, Any]
    first: int
    shards: int
    written: int
    inputs: list[InputSeen]
    files: dict[str, VouchedFile]


def check_place(record: GenerationRecord, evidence: Evidence, before: int, check: Check) -> None:
    """Compare what a record says with the shards of its generation; `before` are written before.

    What is added next goes by it: which input shards are new, how output shards are numbered.
    """
    numbers = [_number(shard.name) for shard in evidence.manifest.shards]
    check.expect(
        record.first == before and numbers == [*range(before, before + record.shards)],
        f"output shards of generation {record.number} are not numbered on from {before}",
    )
    names = {part: record.labelled_by.get(part) for part in ("attributes", "labels")}
    of_plan = {
        "attributes": [one.name for one in evidence.plan.attributes],
        "labels": [*evidence.plan.labels],
    }
    check.expect(
        names == of_plan,
        f"generation {record.number} has other attributes and labels in its record than in its "
        "plan",
    )
    for entry in record.inputs:
        of_labels = evidence.records.get(entry.shard)
        if of_labels is None:
            continue
        shard = of_labels.shard
        check.expect(
            (entry.bytes, entry.version) == (shard.bytes, shard.version),
            f"{entry.shard} is of another size or version in the record of generation "
            f"{record.number} than in that of its labels",
        )


def check_patterns_written(
    number: int, drawing: DrawingChecks, storage: Storage, check: Check
) -> None:
    """Compare the file of the patterns that a generation wrote with the copies that were found."""
    where = f"{paths.generation(number)}/{paths.WRITTEN}"
    content = storage.find(where)
    if content is None:
        return
    check.expect(
        _flags(content, storage.path(where)) == _without_none(drawing.copied),
        f"{where} has other patterns than those that generation {number} wrote",
    )


def check_plan_files(storage: Storage, last: Storage, check: Check) -> None:
    """Compare the files of the output's plan with those of its last generation."""
    for name in paths.OF_THE_PLAN[:-1]:
        check.expect(
            storage.find(name) == last.find(name), f"{name} is not that of the last generation"
        )


def _flags(content: bytes, where: str) -> dict[bytes, int]:
    """Copies by the flags of attributes and labels, whatever the utility."""
    with well_formed(f"{where} holds no patterns"):
        table = pq.read_table(pa.BufferReader(content), columns=["pattern", "count"])
        found: dict[bytes, int] = {}
        for pattern, count in zip(
            table["pattern"].to_pylist(), table["count"].to_pylist(), strict=True
        ):
            flags = pattern[:-BIN_BYTES]
            found[flags] = found.get(flags, 0) + count
        return found


def _without_none(copied: Mapping[bytes, int]) -> dict[bytes, int]:
    return {flags: copies for flags, copies in copied.items() if copies}


def _number(name: str) -> int:
    stem = name.rpartition("/")[2].partition(".")[0]
    if not stem.isdecimal():
        raise FairshardError(f"{name} is not the name of an output shard")
    return int(stem)
