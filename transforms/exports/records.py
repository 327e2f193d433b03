"""What is known of an export's files: which are fairshard's own, and what each was made from."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import TypeAdapter

from transforms.storage.documents import Count, Document, parsed

MadeFrom = Mapping[str, str]
"""What the bytes of a file follow from: a digest of each thing, by what people call it."""


@dataclass(frozen=True, slots=True)
class ExportRecord:
    """A file of an export is written: how many of what it holds, its size and digest.

    version: what the store calls the file's version, "" where it has none. form: the version of the
    record's own form.
    """

    name: str
    made_from: MadeFrom
    bytes: Count
    sha256: str
    counts: Mapping[str, Count] = field(default_factory=dict)
    version: str = ""
    form: Literal[1] = 1


class ExportClaim(Document):
    """Which files of an export are fairshard's own; form: the version of the file's own form."""

    form: Literal[1] = 1
    files: tuple[str, ...]


def export_record_from(content: bytes) -> ExportRecord:
    """The record in `content`; ValueError where it is none."""
    return parsed(content, _RECORD)


def claim_of(files: Iterable[str]) -> bytes:
    """The claim to `files` as JSON."""
    claim = ExportClaim(files=tuple(sorted(files)))
    return f"{json.dumps(claim.model_dump(mode='json'), indent=1)}\n".encode()


def files_of_claim(content: bytes) -> set[str]:
    """The files that a claim names; none where it is none."""
    try:
        return set(parsed(content, _CLAIM).files)
    except ValueError:
        return set()


_RECORD = TypeAdapter(ExportRecord)
_CLAIM = TypeAdapter(ExportClaim)
