"""A small corpus that grows, shard by shard, and runs on it in this process, for tests."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from jobs.run.running import run_command
from jobs.session.growing import appending
from tests.fixtures import config_of, write_tar
from tests.inprocess import InProcess
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.resampling.manifest import Manifest, read_manifest
from transforms.storage.files import Storage

WIDE: dict[str, Any] = {"eta": 0.5, "max_representation_bias": 0.25, "max_association_bias": 0.4}


def add_shard(folder: Path, name: str, samples: int = 60, women: float = 0.3) -> Path:
    """A shard of samples, of which so many are women, who are nurses more often than men are."""
    rng = np.random.default_rng([*name.encode()])
    members = {}
    for number in range(samples):
        woman = rng.random() < women
        words = ["woman" if woman else "man"]
        words += ["nurse"] * bool(rng.random() < (0.5 if woman else 0.2))
        words += ["laptop"] * bool(rng.random() < 0.3)
        key = f"{name}{number:05d}"
        members[f"{key}.txt"] = f"a picture with {' and '.join(words)}".encode()
        members[f"{key}.json"] = json.dumps({"words": words}).encode()
    path = folder / "in" / f"{name}.tar"
    write_tar(path, members)
    return path


def corpus(folder: Path, *names: str, **changes: Any) -> Config:
    """A corpus of some shards, and the configuration of its output, which no gate checks."""
    for name in names:
        add_shard(folder, name)
    output = {"url": "out", "samples_per_shard": 20, **changes.pop("output", {})}
    labels = {"thing": {"field": "words", "names": ["nurse", "laptop"]}}
    changes = {"balance": WIDE, "gates": {"enabled": False}, "labels": labels, **changes}
    return config_of(folder, output=output, **changes)


def append(config: Config, command: str = "rebalance", engine: Any = None) -> dict[str, Any]:
    """What a run that adds to the output says."""
    return rebalance(appending(config), command, engine)


def rebalance(
    config: Config, command: str = "rebalance", engine: Any = None, **how: bool
) -> dict[str, Any]:
    """What a run says."""
    return run_command(command, config, engine or InProcess(), quiet(), "a-run", **how)


def manifest_of(config: Config) -> Manifest:
    """The manifest of an output."""
    return read_manifest(Storage(config.output.url))


def shards_of(config: Config) -> dict[str, str]:
    """What is in the folder of output shards, but the table of sizes: the SHA-256 by name."""
    return {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in files_in(Path(config.output.url) / "shards")
        if path.name != "sizes.json"
    }


def files_in(folder: Path) -> Iterator[Path]:
    """All files in a folder, and in those in it."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def without_records(folder: Path) -> dict[str, bytes]:
    """All that an output holds of what every engine and every run must write alike."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files_in(folder)
        if path.relative_to(folder).parts[0]
        in {"labels", "rejects", "plan", "shards", "generations", "manifest.json"}
        and path.name != "explanation.json"  # how far that was looked for hangs on time
    }
