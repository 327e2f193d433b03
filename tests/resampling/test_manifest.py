"""manifest.json is read in its form, and written as it always was, byte for byte."""

import json
from pathlib import Path
from typing import Any

import pytest

from transforms.labels.tables import digest_of
from transforms.resampling.manifest import manifest_from

WRITTEN = Path(__file__).with_name("manifest_of_version_1.json").read_bytes()


def test_a_manifest_written_before_is_the_same_manifest() -> None:
    manifest = manifest_from(WRITTEN)
    assert manifest.to_json() == WRITTEN
    assert digest_of(manifest.to_dict()) == digest_of(json.loads(WRITTEN))


def test_what_a_manifest_says_is_what_its_file_says() -> None:
    manifest = manifest_from(WRITTEN)
    assert manifest.totals.in_ == sum(entry.in_ for entry in manifest.inputs) == 900
    assert manifest.as_labelled is not None
    assert manifest.as_labelled.max_AB > manifest.measures.max_AB > 0
    assert sum(shard.samples for shard in manifest.shards) == manifest.totals.written


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("version", 2),
        ("plan", 7),
        ("packing", {}),
        ("totals", {"in": -1}),
        ("measures", None),
        ("shards", [{"name": "shards/00000.tar"}]),
        ("inputs", {}),
    ],
)
def test_a_part_of_another_form_is_refused(part: str, value: Any) -> None:
    with pytest.raises(ValueError):
        manifest_from(json.dumps({**json.loads(WRITTEN), part: value}).encode())
