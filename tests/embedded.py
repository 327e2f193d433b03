"""A corpus of drawn scenes with the demo model's embeddings of it, as others compute them."""

import json
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from jobs.begin.demo.captions import caption
from jobs.begin.demo.corpus import MODEL
from jobs.begin.demo.evaluate import evenly
from jobs.begin.demo.planted import sample_scenes
from jobs.begin.demo.scenes import draw, jpeg
from tests.fixtures import config_of, write_tar
from transforms.config.sections import Config, Model
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder

NAME = f"local-dir:{MODEL}"
ATTRIBUTES: dict[str, Any] = {
    "figure": {
        "zero_shot": {"none_of_these": ["nobody"], "templates": ["{}", "a picture of {}"]},
        "names": {
            "fox": {"target": 0.3, "prompts": ["a fox", "a vixen"]},
            "owl": {"target": 0.3, "prompts": ["an owl"]},
        },
    }
}
LABELS: dict[str, Any] = {
    "background": {
        "names": {"night": {"prompts": ["at night"]}, "snow": {"prompts": ["in the snow"]}}
    }
}


@dataclass(frozen=True)
class Scenes:
    """Scenes as files, captions and the model's unit vectors, and their keys and uids."""

    keys: list[str]
    uids: list[str]
    files: list[bytes]
    captions: list[str]
    images: NDArray[np.float32]
    texts: NDArray[np.float32]

    def write_shards(self, folder: Path, shards: int, with_images: bool) -> None:
        """Tars in `folder`/in: caption, metadata with the uid, and images if they are wanted."""
        for shard, rows in enumerate(np.array_split(np.arange(len(self.keys)), shards)):
            members: dict[str, bytes] = {}
            for row in rows:
                if with_images:
                    members[f"{self.keys[row]}.jpg"] = self.files[row]
                members[f"{self.keys[row]}.txt"] = self.captions[row].encode()
                members[f"{self.keys[row]}.json"] = json.dumps({"uid": self.uids[row]}).encode()
            write_tar(folder / "in" / f"{shard:05d}.tar", members)

    def write_clip_retrieval(
        self, folder: Path, files: int, dtype: str = "float16", texts: bool = False
    ) -> None:
        """img_emb_0.npy in `folder`/img_emb, metadata_0.parquet in `folder`/metadata and so on."""
        order = np.random.default_rng(1).permutation(len(self.keys))
        for file, rows in enumerate(np.array_split(order, files)):
            _save(folder / "img_emb" / f"img_emb_{file}.npy", 3 * self.images[rows].astype(dtype))
            if texts:
                _save(folder / "text_emb" / f"text_emb_{file}.npy", self.texts[rows].astype(dtype))
            table = {
                "image_path": [self.keys[row] for row in rows],
                "caption": [self.captions[row] for row in rows],
            }
            write_parquet(folder / "metadata" / f"metadata_{file}.parquet", table)

    def write_datacomp(self, folder: Path, files: int) -> None:
        """00000.npz and 00000.parquet in `folder`, and so on."""
        order = np.random.default_rng(2).permutation(len(self.keys))
        folder.mkdir(parents=True, exist_ok=True)
        for file, rows in enumerate(np.array_split(order, files)):
            images, texts = (each[rows].astype(np.float16) for each in (self.images, self.texts))
            other = np.zeros((len(rows), 7), np.float16)
            arrays = {"b32_img": images, "b32_txt": texts, "l14_img": other, "l14_txt": other}
            np.savez(folder / f"{file:05d}.npz", **arrays)
            table = {
                "uid": [self.uids[row] for row in rows],
                "text": [self.captions[row] for row in rows],
            }
            write_parquet(folder / f"{file:05d}.parquet", table)


def draw_scenes(samples: int, seed: int = 5) -> Scenes:
    """Scenes, and what the demo model sees in them and in their captions."""
    clip = Clip(Model(name=NAME))
    decoder = Decoder(clip.shape, clip.side, 10**6)
    scenes = sample_scenes(evenly(), samples, np.random.default_rng(seed))
    files = [jpeg(draw(scene)) for scene in scenes]
    captions = [caption(scene, Random(seed)) for scene in scenes]
    return Scenes(
        keys=[f"{number:07d}" for number in range(samples)],
        uids=[f"{number * 2654435761 % 2**32:032x}" for number in range(samples)],
        files=files,
        captions=captions,
        images=clip.encode_images([decoder.decode(file) for file in files]).numpy(),
        texts=clip.encode_tokens([clip.tokens(text) for text in captions]).numpy(),
    )


def embedded_config(folder: Path, source: dict[str, Any], **more: Any) -> Config:
    """The shards of `folder`, with the embeddings `clip` that are made of `source`."""
    values = {"attributes": ATTRIBUTES, "labels": LABELS, "balance": {"eta": 0.5}}
    embeddings = {"clip": {"model": {"name": NAME}, **source}}
    return config_of(folder, **{**values, "embeddings": embeddings, **more})


def write_parquet(path: Path, columns: dict[str, Any]) -> None:
    """A Parquet file, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def _save(path: Path, array: NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, array)
