"""What check, preview and doctor say of embeddings."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import run
from tests.embedded import ATTRIBUTES, LABELS, NAME, draw_scenes


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    scenes = draw_scenes(30)
    scenes.write_shards(folder, 2, with_images=False)
    scenes.write_clip_retrieval(folder, 2)
    return folder


def _written(corpus: Path, source: dict[str, Any], **more: Any) -> Path:
    embeddings = {"clip": {"url": "img_emb/*.npy", "model": {"name": NAME}, **source}}
    values = {
        "input": {"shards": "in/*.tar"},
        "attributes": ATTRIBUTES,
        "labels": LABELS,
        "embeddings": embeddings,
        "balance": {"eta": 0.5},
        "output": {"url": "out"},
    }
    path = corpus / "config.yaml"
    path.write_text(json.dumps(values | more))
    return path


def test_check_tells_what_is_asked_of_them(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", _written(corpus, {}), "--json") == 0
    [table] = json.loads(capsys.readouterr().out)["tables"]
    assert table["table"] == "embeddings.clip"
    assert table["files"] == 2
    assert table["columns"] == [
        "s.figure.fox",
        "s.figure.owl",
        "y.background.night",
        "y.background.snow",
    ]


def test_check_says_when_they_are_asked_nothing(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("check", _written(corpus, {}, model={"name": NAME})) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "warning: embeddings.clip is asked nothing, and prompts are asked of images" in said


def test_check_opens_the_first_of_them(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", _written(corpus, {"key": "image"})) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "has no column 'image'" in said
    assert "correct embeddings.clip.key, embeddings.clip.caption or embeddings.clip.meta" in said
    np.save(corpus / "flat.npy", np.ones(3))
    source = {"url": "flat.npy", "metadata": "metadata/metadata_0.parquet"}
    assert run("check", _written(corpus, source)) == 1
    assert "is an array of the shape (3,)" in " ".join(capsys.readouterr().err.split())


def test_preview_shows_hits_and_what_a_filter_would_take(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = _written(corpus, {}, filter={"min_similarity": 1})
    assert run("preview", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    [table] = found["tables"]
    assert (table["samples"], table["with_row"]) == (30, 30)
    assert sum(name["hits"] for name in found["names"]) > 10
    assert run("preview", path) == 0
    assert "30 would be dropped by filter.min_similarity" in capsys.readouterr().out


def test_doctor_looks_at_their_files_and_models(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("doctor", _written(corpus, {"model": {"name": "ViT-B-23"}}), "--json")
    checks = {one["check"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["embeddings.clip"]["status"] == "ok"
    assert checks["embeddings.clip.model"]["status"] == "missing"
    assert "ViT-B-23" in checks["embeddings.clip.model"]["found"]
