"""An output that `fairshard rebalance` wrote, and what its tars hold, for loaders of others."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.commands import run
from tests.fixtures import read_members
from tests.weighed import Balanced, balanced

Samples = dict[str, tuple[str, bytes]]
"""Caption and image file of each sample, by key."""


@dataclass(frozen=True)
class Written:
    """The shards of an output, and their samples, read by Python's tarfile."""

    shards: tuple[str, ...]
    samples: Samples

    @property
    def folder(self) -> Path:
        """Where the shards are."""
        return Path(self.shards[0]).parent


def _samples_in(shard: str) -> Samples:
    members = read_members(Path(shard))
    keys = {name.rpartition(".")[0] for name in members}
    return {key: (members[f"{key}.txt"].decode(), members[f"{key}.jpg"]) for key in keys}


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The demo corpus, rebalanced: some of its samples are written twice."""
    folder = tmp_path_factory.mktemp("loaders")
    assert run("corpus", folder, "--samples", 400, "--shards", 4) == 0
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["balance"] |= {"eta": 0.9, "Q": 2.0, "max_association_bias": None}
    config["output"]["samples_per_shard"] = 50
    config["engine"] = {"options": {"runner": "FnApiRunner"}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    assert run("rebalance", folder / "config.yaml", "--allow-unmet") == 0
    shards = tuple(str(path) for path in sorted(folder.glob("*/shards/*.tar")))
    samples = [_samples_in(shard) for shard in shards]
    together = {key: sample for of_shard in samples for key, sample in of_shard.items()}
    assert len(shards) > 2
    assert sum(map(len, samples)) == len(together)
    assert any(key.endswith("-1") for key in together)
    return Written(shards, together)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Balanced:
    """A corpus with its weights, and what `resample` wrote of it."""
    return balanced(tmp_path_factory.mktemp("weighed"))
