"""Completion records, read back: every field of its type, or a ValueError."""

from tests.fuzzing.artefacts import artefacts
from tests.fuzzing.editing import edited
from transforms.labels.records import LabelRecord, label_record_from
from transforms.resampling.records import OutputRecord, output_record_from


def seeds() -> list[bytes]:
    """A record of each kind, and their JSON with other things in it."""
    records = _records()
    return [*records, *(record.replace(b"1", b"null") for record in records), b"{}", b"[" * 2000]


def check(content: bytes) -> None:
    """Read `content`, and a right one that it edits, as either kind of record."""
    for candidate in (content, *(edited(record, content) for record in _records())):
        _check(candidate)


def _check(content: bytes) -> None:
    for read, kind in ((label_record_from, LabelRecord), (output_record_from, OutputRecord)):
        try:
            record = read(content)
        except ValueError:
            continue
        assert isinstance(record, kind)
        assert isinstance(record.samples, int)
        hash(record.seconds.get("read", 0.0))


def _records() -> list[bytes]:
    files = artefacts()
    return [files[name] for name in sorted(files) if name.startswith("done/")]
