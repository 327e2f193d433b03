"""A finished output of several shards, for tests of what it is exported in."""

import json
from pathlib import Path
from typing import Any

from tests.labelled import FOX
from tests.outputs import config_for, finished_output
from tests.tarmaking import Entry, make_tar
from transforms.config.sections import Config
from transforms.exports.exported import Exported
from transforms.labels.records import label_record_from
from transforms.outcome.artefacts import read_artefacts
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.storage import paths
from transforms.storage.files import Storage

PEOPLE: dict[str, Any] = {
    "people": {
        "share_of": "group",
        "names": {
            "woman": {"target": 0.5, "lexicon": ["woman"]},
            "man": {"target": 0.5, "lexicon": ["man"]},
        },
    }
}
OBJECTS: dict[str, Any] = {"object": {"field": "objects", "names": ["book", "hammer"]}}
EASY: dict[str, Any] = {
    "eta": 0.5,
    "max_representation_bias": 0.02,
    "max_association_bias": 0.08,
}


def people(first: int, count: int) -> list[Entry]:
    """Samples of women (one in four), men and nobody; more books with women, hammers with men."""
    entries: list[Entry] = []
    for number in range(first, first + count):
        who = ("woman", "man", "man", "nobody")[number % 4]
        found = ["book"] if number % (3 if who == "woman" else 5) < 2 else []
        found += ["hammer"] if number % (3 if who == "man" else 7) < 2 else []
        entries += [
            (f"{number:06d}.jpg", FOX),
            (f"{number:06d}.txt", f"a {who} somewhere".encode()),
            (f"{number:06d}.json", json.dumps({"objects": found}).encode()),
        ]
    return entries


def output(folder: Path, shards: dict[str, list[Entry]] | None = None, **sections: Any) -> Storage:
    """A finished output of `shards`, by default two of 60 samples each, in shards of 20."""
    (folder / "in").mkdir(parents=True)
    for name, entries in (shards or {"a.tar": people(0, 60), "b.tar": people(60, 60)}).items():
        (folder / "in" / name).write_bytes(make_tar(entries))
    return finished_output(asked(folder, **sections))


def asked(folder: Path, **sections: Any) -> Config:
    """The configuration of an output, but for `sections`."""
    url = {"url": str(folder / "out"), "samples_per_shard": 20}
    wanted = {"attributes": PEOPLE, "labels": OBJECTS, "balance": EASY, "output": url, **sections}
    return config_for(folder, **wanted)


def exported(storage: Storage, **other: Any) -> Exported:
    """What formats are given of an output."""
    artefacts = read_artefacts(storage)
    names = (paths.label_record(entry.shard) for entry in artefacts.manifest.inputs)
    records = tuple(label_record_from(storage.read(name)) for name in names)
    given = {"config": artefacts.config, "manifest": artefacts.manifest, **other}
    return Exported(plan=artefacts.plan, records=records, storage=storage, **given)


def tars(storage: Storage) -> list[str]:
    """The paths of the output's shards."""
    return [storage.path(shard.name) for shard in manifest(storage).shards]


def manifest(storage: Storage) -> Manifest:
    """The manifest of an output."""
    return read_manifest(storage)
