"""Labels of embeddings computed beforehand, through the whole run: as those of the images."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.run import rebalance
from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.embedded import NAME, Scenes, draw_scenes, embedded_config
from tests.fixtures import tree
from tests.inprocess import InProcess
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.stages.engine import Engine

CLIP_RETRIEVAL: dict[str, Any] = {"url": "img_emb/*.npy"}
DATACOMP: dict[str, Any] = {"url": "dc/*.npz", "array": "b32_img"}


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(120)


@pytest.fixture(scope="module")
def corpus(scenes: Scenes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards without images, and embeddings in both layouts."""
    folder = tmp_path_factory.mktemp("corpus")
    scenes.write_shards(folder, 3, with_images=False)
    scenes.write_clip_retrieval(folder, 2)
    scenes.write_datacomp(folder / "dc", 2)
    return folder


def _made(config: Config, engine: Engine | None = None) -> dict[str, bytes]:
    out = Path(config.output.url)
    rebalance.run(config, engine or InProcess(), quiet())
    found = tree(out)
    shutil.rmtree(out)
    return found


def _labels(made: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    tables = [
        pq.read_table(pa.BufferReader(content))
        for name, content in made.items()
        if name.startswith("labels/")
    ]
    rows = pa.concat_tables(tables).to_pylist()
    return {row.pop("key"): row for row in rows}


def _flags(row: dict[str, Any]) -> dict[str, Any]:
    return {column: value for column, value in row.items() if isinstance(value, bool)}


@pytest.mark.parametrize("source", [CLIP_RETRIEVAL, DATACOMP], ids=["npy", "npz"])
def test_labels_are_those_of_the_images(
    scenes: Scenes, corpus: Path, tmp_path: Path, source: dict[str, Any]
) -> None:
    scenes.write_shards(tmp_path, 3, with_images=True)
    given = {"embeddings": {}, "model": {"name": NAME}, "similarity": True}
    seen = _labels(_made(embedded_config(tmp_path, {}, **given)))
    found = _labels(_made(embedded_config(corpus, source, similarity=True)))
    assert found.keys() == seen.keys() == {*scenes.keys}
    alike = [_flags(found[key]) == _flags(seen[key]) for key in seen]
    assert sum(alike) >= len(alike) - 2
    assert any(any(_flags(row).values()) for row in found.values())
    scores = [[rows[key]["score.similarity"] for key in scenes.keys] for rows in (found, seen)]
    assert scores[0] == pytest.approx(scores[1], abs=2e-3)


def test_engines_write_the_same_bytes(corpus: Path) -> None:
    config = embedded_config(corpus, DATACOMP, utility={"score": "similarity"})
    engines: list[Engine] = [
        InProcess(),
        BeamEngine(["--runner=FnApiRunner"]),
        SparkEngine(["--master=local[2]"]),
    ]
    first, *others = [_made(config, engine) for engine in engines]
    assert all(other == first for other in others)


def test_a_utility_is_by_the_similarity_that_is_joined(corpus: Path) -> None:
    config = embedded_config(corpus, CLIP_RETRIEVAL, utility={"score": "similarity", "scale": 2})
    for row in _labels(_made(config)).values():
        expected = 2 * max(0, row["score.similarity"])
        assert row["utility"] == pytest.approx(expected, abs=1e-6)


def test_other_prompts_read_no_shard_again(scenes: Scenes, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "c")
    folder = tmp_path / "c"
    rebalance.run(embedded_config(folder, CLIP_RETRIEVAL), InProcess(), quiet())
    before = {path.name: path.stat().st_mtime_ns for path in (folder / "out/recognised").iterdir()}
    labels = {"time": {"names": {"dark": {"prompts": "at night"}, "day": {"prompts": "a meadow"}}}}
    rebalance.run(embedded_config(folder, CLIP_RETRIEVAL, labels=labels), InProcess(), quiet())
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "out/recognised").iterdir()}
    assert after == before
    assert "y.time.dark" in pq.read_table(next((folder / "out/labels").iterdir())).column_names


def test_samples_without_a_vector_are_absent_or_rejects(scenes: Scenes, tmp_path: Path) -> None:
    scenes.write_shards(tmp_path, 2, with_images=False)
    scenes.write_clip_retrieval(tmp_path, 4)
    (tmp_path / "img_emb" / "img_emb_0.npy").unlink()
    absent = _labels(_made(embedded_config(tmp_path, CLIP_RETRIEVAL)))
    assert len(absent) == 120
    without = sum(not any(_flags(row).values()) for row in absent.values())
    limits = {"shards": "in/*.tar", "limits": {"max_reject_share": 1}}
    for more in ({"missing": "reject"}, {}):
        config = embedded_config(
            tmp_path, {**CLIP_RETRIEVAL, **more}, input=limits, similarity=not more
        )
        made = _made(config)
        assert len(_labels(made)) == 90
        rejects = [content for name, content in made.items() if name.startswith("rejects/")]
        errors = pa.concat_tables(pq.read_table(pa.BufferReader(one)) for one in rejects)
        assert {*errors["error"].to_pylist()} == {"the table embeddings.clip has no row for it"}
    assert without >= 30
