"""Corpora whose samples have uids, as DataComp's have, and outputs of them to export."""

import hashlib
import json
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.fixtures import config_of, draw_truth, jpeg, write_tar

KEEPING = {"eta": 0.6, "max_representation_bias": 0.01, "max_association_bias": 0.04}
REPEATING = {**KEEPING, "eta": 0.9, "Q": 2.0}


def uid_of(key: str) -> str:
    """The uid of the sample of a key."""
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()


def write_corpus(
    folder: Path,
    samples: int = 120,
    shards: Sequence[str] = ("00000", "00001", "00002"),
    uids: Mapping[str, Any] | None = None,
) -> None:
    """Shards of those names in folder/in; `uids` are given in place of those of some keys."""
    truths, given = draw_truth(samples, seed=0), uids or {}
    for number, shard in enumerate(shards):
        members = {}
        for truth in truths[number :: len(shards)]:
            metadata = {"words": truth.words, "uid": given.get(truth.key, uid_of(truth.key))}
            caption = f"a picture with {' and '.join(truth.words)}"
            members[f"{truth.key}.jpg"] = jpeg(int(truth.key))
            members[f"{truth.key}.txt"] = caption.encode()
            members[f"{truth.key}.json"] = json.dumps(metadata).encode()
        write_tar(folder / "in" / f"{shard}.tar", members)


def write_config(folder: Path, **changes: Any) -> Path:
    """The file of a configuration of that corpus, which carries uids along."""
    changes = {"balance": KEEPING, "gates": {"enabled": False}, **changes}
    source = {"shards": "in/**/*.tar", "carry": ["uid"], **changes.pop("input", {})}
    config = config_of(folder, input=source, **changes)
    path = folder / "config.yaml"
    path.write_text(
        yaml.safe_dump(config.model_dump(mode="json", round_trip=True), sort_keys=False)
    )
    return path


def keys_written(output: Path) -> Counter[str]:
    """How often each sample is in the shards that `resample` wrote, by its own key."""
    found: Counter[str] = Counter()
    for shard in (output / "shards").glob("*.tar"):
        with tarfile.open(shard) as archive:
            names = (name for name in archive.getnames() if name.endswith(".jpg"))
            found.update(name.split(".")[0].split("-")[0] for name in names)
    return found
