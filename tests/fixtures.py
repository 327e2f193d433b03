"""Small corpora on disk, with the configurations that fit them."""

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from transforms.config.files import anchored
from transforms.config.sections import Config
from transforms.stages.registrations import load_registrations

ATTRIBUTES = ("woman", "man")
LABELS = ("doctor", "nurse", "laptop", "tie")


@dataclass(frozen=True)
class Truth:
    """What one sample of a corpus truly is."""

    key: str
    words: tuple[str, ...]
    quality: float


def draw_truth(samples: int, seed: int) -> list[Truth]:
    """Samples with planted bias: women are 30 %, doctors mostly men, nurses mostly women."""
    rng = np.random.default_rng(seed)
    truths = []
    for number in range(samples):
        woman = rng.random() < 0.3
        likely = {"doctor": 0.1, "nurse": 0.5} if woman else {"doctor": 0.4, "nurse": 0.1}
        likely |= {"laptop": 0.3, "tie": 0.05 if woman else 0.3}
        words = ["woman" if woman else "man"] if rng.random() < 0.9 else []
        words += [label for label in LABELS if rng.random() < likely[label]]
        truths.append(Truth(f"{number:07d}", tuple(words), round(float(rng.random()), 3)))
    return truths


def jpeg(seed: int, size: int = 16) -> bytes:
    """A small picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", quality=80)
    return sink.getvalue()


def members_of(truth: Truth) -> dict[str, bytes]:
    """The members of a sample, by extension."""
    caption = f"a picture with {' and '.join(truth.words) or 'nothing'}"
    metadata = {"words": truth.words, "quality": truth.quality, "caption": caption}
    return {
        "jpg": jpeg(int(truth.key)),
        "txt": caption.encode(),
        "json": json.dumps(metadata).encode(),
    }


def write_tar(path: Path, members: dict[str, bytes]) -> None:
    """A tar of the named members, in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def write_corpus(folder: Path, samples: int = 300, shards: int = 3, seed: int = 0) -> list[Truth]:
    """A corpus of `shards` shards in `folder`/in; the truth of its samples."""
    truths = draw_truth(samples, seed)
    for shard, part in enumerate(np.array_split(np.arange(samples), shards)):
        members = {
            f"{truths[row].key}.{extension}": content
            for row in part
            for extension, content in members_of(truths[row]).items()
        }
        write_tar(folder / "in" / f"{shard:05d}.tar", members)
    return truths


def config_of(folder: Path, **changes: Any) -> Config:
    """A configuration for `write_corpus(folder)`; `changes` replace its top-level sections.

    In whatever process: those that a test spawns have read no settings of tests.
    """
    load_registrations()
    values: dict[str, Any] = {
        "input": {"shards": "in/*.tar"},
        "attributes": {
            "gender": {
                "share_of": "group",
                "names": {name: {"target": 0.5, "lexicon": [name]} for name in ATTRIBUTES},
            }
        },
        "labels": {"thing": {"field": "words", "names": list(LABELS)}},
        "balance": {"eta": 0.5, "max_representation_bias": 0.01, "max_association_bias": 0.04},
        "output": {"url": "out", "samples_per_shard": 40},
    }
    return anchored(Config.model_validate({**values, **changes}), folder)


def read_members(path: Path) -> dict[str, bytes]:
    """The members of a tar by name, in order."""
    with tarfile.open(path) as archive:
        found = {}
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
        return found


def tree(folder: Path) -> dict[str, bytes]:
    """The artefacts of an output that every engine must write alike, by relative path."""
    parts = ("labels", "rejects", "plan", "shards")
    files = [path for part in parts for path in sorted((folder / part).glob("*"))]
    files.append(folder / "manifest.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
