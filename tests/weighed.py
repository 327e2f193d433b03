"""A balanced corpus and its exported weights, for tests of loaders that go by them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import webdataset

from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output

Content = tuple[tuple[str, bytes], ...]
"""The members of a sample, by extension."""


@dataclass(frozen=True)
class Balanced:
    """The shards of a corpus, what `resample` wrote of them, and the weights."""

    shards: tuple[str, ...]
    written: Counter[Content]
    weights: Path
    output: Path


def content_of(sample: Mapping[str, Any]) -> Content:
    """What a loader gives of a sample, but for its own fields."""
    return tuple(sorted((name, value) for name, value in sample.items() if name[0] != "_"))


def contents(samples: Iterable[Mapping[str, Any]]) -> Counter[Content]:
    """How often each sample is among those that a loader gives."""
    return Counter(map(content_of, samples))


def read(shards: Iterable[str]) -> Counter[Content]:
    """How often each sample is in some shards."""
    return contents(webdataset.WebDataset(list(shards), shardshuffle=False))


def balanced(folder: Path, samples: int = 300, shards: int = 12, Q: float = 2.0) -> Balanced:
    """A corpus of which samples are dropped and, with Q above 1, repeated."""
    write_corpus(folder, samples, shards)
    config = config_of(folder, balance={"eta": 0.9, "Q": Q, "max_representation_bias": 0.01})
    finished_output(config)
    output = folder / "out"
    assert run("export", output, "weights") == 0
    return Balanced(
        tuple(str(path) for path in sorted((folder / "in").glob("*.tar"))),
        read(str(path) for path in sorted((output / "shards").glob("*.tar"))),
        output / "exports" / "weights",
        output,
    )
