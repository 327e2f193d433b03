"""The artefacts that a verification reads, as they lie in the output folder."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.verification.figures import Figures
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.unique import beginnings

PLAN_VERSION = 2
WEBDATASET = "webdataset"


class OriginEntry(BaseModel):
    shard: str
    samples: int
    kept: int


class TableFigures(BaseModel):
    bytes: int
    sha256: str


class ShardFigures(BaseModel):
    name: str
    samples: int
    bytes: int
    sha256: str
    origins: list[OriginEntry]
    table: TableFigures | None = None


class InputFigures(BaseModel):
    shard: str
    total: int = Field(alias="in")
    kept: int
    dropped: int
    rejected: int
    repeats: int


class GenerationEvidence(BaseModel):
    """What a manifest says of a generation of an output that has grown."""

    number: int
    plan: str
    record: str
    input_shards: int
    samples: int
    kept: int
    written: int
    shards: int
    measures: Figures


class ManifestEvidence(BaseModel):
    """What a verification reads of manifest.json; generations: of an output that has grown."""

    plan: str
    packing: dict[str, int | str | list[str] | None]
    totals: dict[str, int]
    measures: Figures
    as_labelled: Figures | None = None
    groups: dict[str, int] | None = None
    shards: list[ShardFigures]
    inputs: list[InputFigures]
    generations: list[GenerationEvidence] = []

    @property
    def format(self) -> str:
        """The format of the output shards: the one of manifests that say none, or another."""
        return str(self.packing.get("format", WEBDATASET))

    @property
    def unique(self) -> bool:
        """Whether no two samples of the output are to have one key."""
        return self.packing.get("keys") == "unique"

    @property
    def beside(self) -> list[str]:
        """What is to lie beside the shards: nothing in outputs of old."""
        beside = self.packing.get("beside")
        return beside if isinstance(beside, list) else []


class InputShard(BaseModel):
    name: str
    url: str
    bytes: int
    version: str

    @property
    def stem(self) -> str:
        """The name without the digest of the URL, where it has one: what the draw goes by."""
        found = _NAME.fullmatch(self.name)
        return found[1] if found else self.name


class LabelRecordEvidence(BaseModel):
    """What a verification reads of done/labels/<shard>.json."""

    shard: InputShard
    samples: int
    rejects: int
    table_bytes: int
    table_digest: str
    mixed: int = 0


class OutputRecordEvidence(BaseModel):
    """What a verification reads of done/shards/<nnnnn>.json."""

    samples: int
    bytes: int
    sha256: str
    origins: list[OriginEntry]
    table: TableFigures | None = None


_NAME = re.compile(r"(.+)--[0-9a-f]{12}")
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Evidence:
    """The documents of a finished output, and what its input is read with.

    written: what it says of its shards; None of a corpus of tables, which are written to none. Of
    a generation of an output that has grown: of its own, `whole` being what is said of all.
    before: the identities of the plans of the generations before it, earlier: their input shards.
    """

    storage: Storage
    input_options: dict[str, Any]
    document: Mapping[str, Any]
    plan: PlanEvidence
    written: ManifestEvidence | None
    whole: ManifestEvidence | None = None
    before: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()

    @property
    def manifest(self) -> ManifestEvidence:
        """What was written; FairshardError where nothing was."""
        if self.written is None:
            raise FairshardError(f"{self.storage.path(paths.MANIFEST)} is missing")
        return self.written

    @property
    def there(self) -> ManifestEvidence:
        """What all that lies in the output is to be."""
        return self.whole or self.manifest

    @cached_property
    def records(self) -> dict[str, LabelRecordEvidence]:
        """The label record of each input shard of the manifest, or of each table, by name."""
        if self.written is None:
            there_are = self.storage.names(paths.LABEL_RECORDS)
            names = sorted(
                name.removesuffix(paths.RECORD) for name in there_are if name.endswith(paths.RECORD)
            )
        else:
            names = sorted(entry.shard for entry in self.written.inputs)
        return {
            name: _parsed(LabelRecordEvidence, self.storage, paths.label_record(name))
            for name in names
        }

    @cached_property
    def beginnings(self) -> dict[str, str]:
        """What unique keys of each input shard begin with, by name."""
        return beginnings([*self.earlier, *self.records])

    def output_record(self, shard: ShardFigures) -> OutputRecordEvidence:
        """The completion record of an output shard."""
        stem = shard.name.rsplit("/", 1)[-1].removesuffix(".tar")
        return _parsed(OutputRecordEvidence, self.storage, f"done/shards/{stem}.json")


def read_evidence(storage: Storage, input_options: dict[str, Any]) -> Evidence:
    """The documents in `storage`; FairshardError where the output is not finished."""
    if not storage.exists(paths.PLAN):
        raise _unfinished(storage, paths.PLAN, "solve")
    document = _json(storage, paths.PLAN)
    version = document.get("version")
    if version != PLAN_VERSION:
        raise FairshardError(
            f"{storage.path(paths.PLAN)} is of version {version}, and version {PLAN_VERSION} can "
            "be verified: run `fairshard solve` again"
        )
    plan = _parsed(PlanEvidence, storage, paths.PLAN)
    if plan.config.input.tables:
        return Evidence(storage, input_options, document, plan, None)
    if not storage.exists(paths.MANIFEST):
        raise _unfinished(storage, paths.MANIFEST, "resample")
    manifest = _parsed(ManifestEvidence, storage, paths.MANIFEST)
    return Evidence(storage, input_options, document, plan, manifest)


def _unfinished(storage: Storage, missing: str, stage: str) -> FairshardError:
    return FairshardError(
        f"{storage.url} holds no finished output, as {missing} is missing: run `fairshard {stage}`"
        ", then verify again"
    )


def _json(storage: Storage, name: str) -> dict[str, Any]:
    try:
        return json_in(storage.read(name))
    except ValueError as error:
        raise FairshardError(f"{storage.path(name)} cannot be read: {error}") from error


def _parsed(model: type[_Model], storage: Storage, name: str) -> _Model:
    values = _json(storage, name)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise FairshardError(f"{storage.path(name)}: {key}: {first['msg']}") from error
