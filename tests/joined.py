"""A corpus whose truth is told three ways: by its metadata, and by tables of two kinds."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.fixtures import ATTRIBUTES, LABELS, Truth, config_of, draw_truth, jpeg, write_tar
from transforms.config.sections import Config

Recognised = Callable[[str], dict[str, Any]]


def write_told_corpus(
    folder: Path, samples: int = 240, shards: int = 4, seed: int = 0
) -> list[Truth]:
    """Shards in `folder`/in, each sample's truth in its JSON, and tables of it beside them.

    by_uid/*.parquet: a row a sample in another order, a number for each name. boxes.csv: a row a
    word, by tar and member, in another order; samples without a word have none. by_shard/*.jsonl: a
    row a sample, by its key, in files that are named as the shards are.
    """
    truths, number = draw_truth(samples, seed), random.Random(seed)
    uids: list[str] = []
    boxes: list[tuple[str, str, str]] = []
    for shard, part in enumerate(np.array_split(np.arange(samples), shards)):
        members: dict[str, bytes] = {}
        for row in part:
            truth, uid = truths[row], f"{number.getrandbits(64):016x}"
            uids.append(uid)
            boxes += [(f"{shard:05d}.tar", f"{truth.key}.jpg", word) for word in truth.words]
            members[f"{truth.key}.jpg"] = jpeg(int(truth.key))
            members[f"{truth.key}.json"] = json.dumps({"uid": uid, "words": truth.words}).encode()
        write_tar(folder / "in" / f"{shard:05d}.tar", members)
        (folder / "by_shard").mkdir(exist_ok=True)
        rows = [{"id": truths[row].key, "words": truths[row].words} for row in part]
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / "by_shard" / f"{shard:05d}.jsonl").write_text(lines)
    write_by_uid(folder, uids, truths)
    number.shuffle(boxes)
    header = "tar,member,word"
    (folder / "boxes.csv").write_text("\n".join([header, *map(",".join, boxes), ""]))
    return truths


def write_by_uid(folder: Path, uids: list[str], truths: list[Truth], seed: int = 1) -> None:
    """The table by uid, in files of some rows."""
    order = list(range(len(uids)))
    random.Random(seed).shuffle(order)
    (folder / "by_uid").mkdir(exist_ok=True)
    for number, rows in enumerate(np.array_split(order, 3)):
        columns: dict[str, Any] = {"uid": [uids[row] for row in rows]}
        for name in (*ATTRIBUTES, *LABELS):
            columns[f"p_{name}"] = [0.9 if name in truths[row].words else 0.2 for row in rows]
        pq.write_table(pa.table(columns), folder / "by_uid" / f"part-{number}.parquet")


def told_by(folder: Path, way: str, to: str, **changes: Any) -> Config:
    """A configuration for `write_told_corpus`, its names told by `json` or by a table.

    These are by `uid`, of `boxes` by tar and member, and of `shards` by key and file.
    """
    recognised, tables = _WAYS[way]
    attributes = {
        "gender": {
            "share_of": "group",
            "names": {name: {"target": 0.5, **recognised(name)} for name in ATTRIBUTES},
        }
    }
    values: dict[str, Any] = {
        "attributes": attributes,
        "labels": {"thing": {"names": {name: recognised(name) for name in LABELS}}},
        "output": {"url": to, "samples_per_shard": 40},
        **({"tables": tables} if tables else {}),
    }
    return config_of(folder, **{**values, **changes})


_WAYS: dict[str, tuple[Recognised, dict[str, Any]]] = {
    "json": (lambda name: {"field": {"path": "words", "values": name}}, {}),
    "uid": (
        lambda name: {"column": {"table": "scores", "name": f"p_{name}", "at_least": 0.7}},
        {"scores": {"url": "by_uid/*.parquet", "key": {"column": "uid", "field": "uid"}}},
    ),
    "boxes": (
        lambda name: {"column": {"table": "boxes", "name": "word", "values": name}},
        {"boxes": {"url": "boxes.csv", "key": ["tar", "member"]}},
    ),
    "shards": (
        lambda name: {"column": {"table": "words", "name": "words", "values": name}},
        {"words": {"url": "by_shard/*.jsonl", "key": "id"}},
    ),
}
