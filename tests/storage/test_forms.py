"""What a run leaves on file says of which form it is: the first where it says none."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.session.begun import WorkFile, read_begun
from transforms.labels.records import LabelRecord, label_record_from
from transforms.resampling.records import OutputRecord, output_record_from
from transforms.shards.finding import Shard
from transforms.storage import paths
from transforms.storage.documents import to_json
from transforms.storage.files import Storage

LABELLED = LabelRecord(Shard("0", "0.tar", 9, ""), "", 1, 0, {}, 1, "", {})
WRITTEN = OutputRecord(0, "", 1, 9, "", (), {})


@pytest.mark.parametrize(
    ("record", "read"), [(LABELLED, label_record_from), (WRITTEN, output_record_from)]
)
def test_records_are_of_a_form(record: Any, read: Callable[[bytes], Any]) -> None:
    values = dataclasses.asdict(record)
    assert json.loads(to_json(record))["form"] == values.pop("form") == 1
    assert read(json.dumps(values).encode()) == record
    with pytest.raises(ValueError, match="form: Input should be 1"):
        read(json.dumps({**values, "form": 2}).encode())


def test_so_is_how_far_stages_were(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    storage = Storage(str(tmp_path))
    storage.publish(paths.WORK, b'{"stages": {"label": {"total": 3}}}')
    assert read_begun(storage).stages["label"].total == 3
    storage.publish(paths.WORK, b'{"form": 2, "stages": {"label": {"total": 3}}}')
    assert read_begun(storage) == WorkFile()
    assert "work.json cannot be read (form: Input should be 1)" in caplog.text
