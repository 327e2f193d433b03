"""A table beside an output shard that says other than the shard and its origins is noticed."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs.look import verify
from tests.fixtures import write_corpus
from tests.outputs import finished_output
from tests.resampling.test_samples_table import config_at, tables_beside
from tests.runs import quiet
from tests.tampering import edit_json, edit_table

TABLE = "shards/00000.parquet"


def flip(values: list[Any]) -> None:
    values[3] = not values[3]


def halve(values: list[Any]) -> None:
    values[3] = values[3] // 2 if isinstance(values[3], int) else values[3] / 2


def swap(values: list[Any]) -> None:
    values[3], values[4] = values[4], values[3]


def swap_far(values: list[Any]) -> None:
    values[0], values[-1] = values[-1] + "x", values[0]


def rows_lost(out: Path) -> None:
    pq.write_table(pq.read_table(out / TABLE).slice(1), out / TABLE)


def fit_table(out: Path) -> None:
    """Let manifest and record say the size and sha256 that the first table has now."""
    content = (out / TABLE).read_bytes() if (out / TABLE).exists() else b""
    said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit_json(out / "manifest.json", lambda m: m["shards"][0]["table"].update(said))
    edit_json(out / "done/shards/00000.json", lambda record: record["table"].update(said))


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda out: edit_table(out / TABLE, "y.thing.tie", flip), "y.thing.tie of row 3 of "),
        (lambda out: edit_table(out / TABLE, "q", halve), "q of row 3 of shards/00000.parquet"),
        (lambda out: edit_table(out / TABLE, "from.offset", halve), "from.offset of row 3"),
        (lambda out: edit_table(out / TABLE, "key", swap), "key of row 3"),
        (lambda out: edit_table(out / TABLE, "from.shard", swap_far), "from.shard of row"),
        (lambda out: (out / TABLE).unlink(), "00000.parquet is missing"),
        (lambda out: (out / TABLE).write_bytes(b"PAR1"), "is not Parquet that can be read"),
        (rows_lost, "has 39 rows, the shard has 40 samples"),
        (
            lambda out: edit_json(out / "shards/sizes.json", lambda s: s.update({"00000.tar": 1})),
            "shards/sizes.json does not say how many",
        ),
    ],
)
def test_verify_notices_a_table_that_says_something_else(
    tmp_path: Path, change: Callable[[Path], object], where: str
) -> None:
    write_corpus(tmp_path, samples=120)
    tables_beside(tmp_path)
    storage = finished_output(config_at(tmp_path))
    change(tmp_path / "out")
    fit_table(tmp_path / "out")
    found = verify.run(storage, None, "", None, True, quiet())["checks"]
    differing = {row["name"]: row["remark"] for row in found if row["result"] == "differs"}
    assert [*differing] == ["beside"]
    assert where in differing["beside"]
