"""Embeddings as rows: what prompts find in them, whose they are, and what is said of bad ones."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.embedded import (
    ATTRIBUTES,
    LABELS,
    NAME,
    Scenes,
    draw_scenes,
    embedded_config,
    write_parquet,
)
from tests.servers import s3, web
from transforms.base.errors import ChangedInputError, ConfigError, FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config, Model
from transforms.recognition.clip import Clip
from transforms.recognition.zeroshot import ZeroShotClassifier, prompt_groups
from transforms.tables.embeddings import EmbeddingRows

CLIP_RETRIEVAL = {"url": "img_emb/*.npy"}
DATACOMP = {"url": "dc/*.npz", "array": "b32_img"}
COLUMNS = ("s.figure.fox", "s.figure.owl", "y.background.night", "y.background.snow")


@pytest.fixture(scope="module")
def scenes() -> Scenes:
    return draw_scenes(60)


@pytest.fixture
def written(scenes: Scenes, tmp_path: Path) -> Path:
    scenes.write_clip_retrieval(tmp_path, 3)
    scenes.write_datacomp(tmp_path / "dc", 2)
    return tmp_path


def _rows(config: Config) -> dict[str, dict[str, Any]]:
    source = EmbeddingRows("clip", config)
    tables = [table for file in source.files() for table in source.batches(file)]
    assert {tuple(table.schema.names) for table in tables} == {("key", *source.columns)}
    rows = pa.concat_tables(tables).to_pylist()
    return {row.pop("key"): row for row in rows}


def _of_images(scenes: Scenes) -> tuple[list[set[str]], np.ndarray[Any, Any]]:
    """What zero-shot from images finds, and how near each image is to another decision."""
    clip = Clip(Model(name=NAME))
    groups = {"model": {"name": NAME}, "attributes": ATTRIBUTES, "labels": LABELS}
    config = embedded_config(Path("/"), CLIP_RETRIEVAL, **groups)
    entries = schema_of(config).recognised
    given = [
        {**ATTRIBUTES["figure"]["names"], **LABELS["background"]["names"]}[entry.name]["prompts"]
        for entry in entries
    ]
    classifier = ZeroShotClassifier(clip, prompt_groups(dict(enumerate(given)), config))
    found = classifier.recognise(torch.from_numpy(scenes.images))
    margins = np.full(len(scenes.images), np.inf)
    for group, classes in zip(classifier._groups, classifier._classes, strict=True):
        logits = clip.logit_scale * torch.from_numpy(scenes.images) @ classes.T
        shares = torch.softmax(logits.double(), dim=1).numpy()[:, : len(group.columns)]
        margins = np.minimum(margins, abs(shares - group.settings.threshold).min(axis=1))
    return [{entries[number].column for number in one} for one in found], margins


@pytest.mark.parametrize(
    ("source", "keys"), [(CLIP_RETRIEVAL, "keys"), (DATACOMP, "uids")], ids=["npy", "npz"]
)
def test_prompts_find_in_embeddings_what_they_find_in_images(
    scenes: Scenes, written: Path, source: dict[str, Any], keys: str
) -> None:
    rows = _rows(embedded_config(written, source))
    expected, margins = _of_images(scenes)
    found = [
        {column for column, value in rows[key].items() if value} for key in getattr(scenes, keys)
    ]
    sure = margins > 0.01
    assert len(rows) == len(scenes.keys)
    assert sure.sum() > 50
    assert [found[i] for i in np.flatnonzero(sure)] == [expected[i] for i in np.flatnonzero(sure)]
    assert any(found) and {*rows[getattr(scenes, keys)[0]]} == set(COLUMNS)


def test_similarities_are_of_captions_or_of_their_vectors(scenes: Scenes, tmp_path: Path) -> None:
    scenes.write_clip_retrieval(tmp_path, 2, texts=True)
    scenes.write_datacomp(tmp_path / "dc", 2)
    cosines = (scenes.images * scenes.texts).sum(axis=1)
    sources = ((CLIP_RETRIEVAL, scenes.keys), (DATACOMP, scenes.uids))
    read = ({**CLIP_RETRIEVAL, "texts": "text_emb/*.npy"}, scenes.keys)
    for source, keys in (*sources, read):
        rows = _rows(embedded_config(tmp_path, source, similarity=True))
        found = [rows[key]["score.similarity"] for key in keys]
        assert found == pytest.approx(cosines.tolist(), abs=2e-3)
    no_texts = {**DATACOMP, "array": "b32_img", "caption": "no such column"}
    assert _rows(embedded_config(tmp_path, no_texts, similarity=True))


def test_a_web_server_gives_the_same_rows(scenes: Scenes, written: Path) -> None:
    here = _rows(embedded_config(written, DATACOMP, similarity=True))
    with web(written) as url:
        files = {**DATACOMP, "url": f"{url}/dc/{{00000..00001}}.npz?sig=secret"}
        assert _rows(embedded_config(written, files, similarity=True)) == here
        with pytest.raises(FairshardError) as raised:
            _rows(embedded_config(written, {**files, "array": "none"}))
    assert "secret" not in str(raised.value)


def test_an_object_store_gives_the_same_rows(written: Path) -> None:
    expected = {
        way["url"]: _rows(embedded_config(written, way)) for way in (CLIP_RETRIEVAL, DATACOMP)
    }
    with s3() as store:
        for path in (*written.glob("*/*.np?"), *written.glob("*/*.parquet")):
            store.system.put(str(path), f"{store.url}/{path.relative_to(written)}")
        for way in (CLIP_RETRIEVAL, DATACOMP):
            place = {"url": f"{store.url}/{way['url']}", "storage_options": store.options}
            assert _rows(embedded_config(written, {**way, **place})) == expected[way["url"]]


def test_a_row_without_a_caption_has_no_similarity(scenes: Scenes, tmp_path: Path) -> None:
    scenes.write_clip_retrieval(tmp_path, 1)
    captions = [None, *scenes.captions[1:]]
    table = {"image_path": scenes.keys, "caption": captions}
    write_parquet(tmp_path / "metadata" / "metadata_0.parquet", table)
    rows = _rows(embedded_config(tmp_path, CLIP_RETRIEVAL, similarity=True))
    assert rows.pop(scenes.keys[0])["score.similarity"] is None
    assert None not in [row["score.similarity"] for row in rows.values()]


def test_vectors_without_a_direction_are_no_rows_and_counted(
    scenes: Scenes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scenes.write_clip_retrieval(tmp_path, 1, "float32")
    path = tmp_path / "img_emb" / "img_emb_0.npy"
    vectors = np.load(path)
    expected = _rows(embedded_config(tmp_path, CLIP_RETRIEVAL))
    vectors[0], vectors[1, 3], vectors[2, 3], vectors[3] = 0, np.nan, -np.inf, vectors[3] * 1e30
    vectors[4] *= 1e-30
    np.save(path, vectors)
    with caplog.at_level(logging.WARNING, "fairshard"):
        rows = _rows(embedded_config(tmp_path, CLIP_RETRIEVAL))
    assert len(rows) == len(expected) - 3
    assert all(expected[key] == row for key, row in rows.items())
    assert "embeddings.clip: 3 of the 60 vectors in " in caplog.text


def test_a_row_may_have_no_key(scenes: Scenes, tmp_path: Path) -> None:
    scenes.write_clip_retrieval(tmp_path, 1)
    keys = [None, "", *scenes.keys[2:]]
    write_parquet(tmp_path / "metadata" / "metadata_0.parquet", {"image_path": keys})
    assert [*_rows(embedded_config(tmp_path, CLIP_RETRIEVAL))] == [None, *keys[2:]]


@pytest.mark.parametrize(
    ("key", "columns", "expected"),
    [
        ("number", {"number": [7, 8]}, ["7", "8"]),
        ({"column": "uid", "field": "meta.uid"}, {"uid": ["a", "b"]}, ["a", "b"]),
        (["tar", "file"], {"tar": ["x/1.tar", "2"], "file": ["a.jpg", "b"]}, ["1\ta", "2\tb"]),
    ],
)
def test_keys_are_as_tables_have_them(
    scenes: Scenes, tmp_path: Path, key: Any, columns: dict[str, Any], expected: list[str]
) -> None:
    np.save(tmp_path / "0.npy", scenes.images[:2])
    write_parquet(tmp_path / "0.parquet", columns)
    rows = _rows(embedded_config(tmp_path, {"url": "0.npy", "key": key}))
    assert [*rows] == expected


def test_an_empty_file_has_no_rows(tmp_path: Path, scenes: Scenes) -> None:
    np.save(tmp_path / "0.npy", scenes.images[:0])
    write_parquet(tmp_path / "0.parquet", {"image_path": pa.array([], pa.string())})
    assert _rows(embedded_config(tmp_path, {"url": "0.npy"}, similarity=False)) == {}


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "other rows": ({"url": "0.npy", "metadata": "four.parquet"}, "3 rows, .*four.parquet has 4"),
    "other dimensions": ({"url": "wide.npy"}, r"have 5 dimensions, and those of the model .* 64"),
    "no key": ({"url": "0.npy", "key": "ky"}, "has no column 'ky'; did you mean 'key'"),
    "lists as keys": ({"url": "0.npy", "key": "list"}, "list cannot be a key, as it holds list"),
    "lists as captions": (
        {"url": "0.npy", "key": "key", "caption": "list"},
        "clip.caption: list cannot be the captions, as it holds list",
    ),
    "bytes as captions": (
        {"url": "0.npy", "key": "key", "caption": "bytes"},
        "clip.caption: bytes cannot be the captions, as it holds binary that is no text in UTF-8",
    ),
    "no metadata": ({"url": "alone/7.npy"}, r"clip.metadata: .*alone/\*.parquet matches no"),
    "no array": ({"url": "z.npz", "array": "b32"}, "clip.array: there is no array 'b32'"),
    "many arrays": ({"url": "z.npz"}, "say which array of .*z.npz holds .*; there are: a, b32_img"),
    "no Parquet": ({"url": "0.npy", "metadata": "text.parquet"}, "text.parquet cannot be read as"),
    "nothing": ({"url": "none/*.npy"}, r"embeddings.clip.url: .*none/\*.npy matches no file"),
    "a folder": ({"url": "alone"}, r"clip.url: .*alone is a folder: .* as .*/alone/\*\.npy$"),
    "no vectors": ({"url": "0.parquet"}, r"clip.url: .*0.parquet does not end in \.npy or \.npz"),
    "no model": (
        {"url": "0.npy", "model": {"name": "ViT-B-23"}},
        "embeddings.clip: model.name: open_clip has no model ViT-B-23",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "why"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_one_sentence(
    tmp_path: Path, scenes: Scenes, source: dict[str, Any], why: str
) -> None:
    key = ["a", "b", "c"]
    for path in ("0.npy", "alone/7.npy"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        np.save(tmp_path / path, scenes.images[:3])
    np.save(tmp_path / "wide.npy", np.ones((3, 5)))
    np.savez(tmp_path / "z.npz", a=scenes.images[:3], b32_img=scenes.images[:3])
    (tmp_path / "text.parquet").write_text("no Parquet")
    for name in ("0", "wide", "z"):
        columns = {"key": key, "image_path": key, "uid": key, "list": [[1]] * 3}
        columns["bytes"] = [b"\xff"] * 3
        write_parquet(tmp_path / f"{name}.parquet", columns)
    write_parquet(tmp_path / "four.parquet", {"image_path": [*key, "d"]})
    with pytest.raises(FairshardError, match=why) as raised:
        _rows(embedded_config(tmp_path, source, similarity="captions" in why))
    assert "\n" not in str(raised.value)


def test_a_file_that_changes_meanwhile_is_said_so(scenes: Scenes, tmp_path: Path) -> None:
    scenes.write_clip_retrieval(tmp_path, 1)
    source = EmbeddingRows("clip", embedded_config(tmp_path, CLIP_RETRIEVAL))
    [file] = source.files()
    scenes.write_clip_retrieval(tmp_path, 1, "float32")
    with pytest.raises((ChangedInputError, ConfigError)):
        list(source.batches(file))


def test_what_rows_depend_on_tells_prompts_and_models_apart(written: Path) -> None:
    def identity(**more: Any) -> Any:
        return EmbeddingRows("clip", embedded_config(written, CLIP_RETRIEVAL, **more)).identity()

    other = {
        "figure": {**ATTRIBUTES["figure"], "zero_shot": {"threshold": 0.6, "none_of_these": "x"}}
    }
    assert identity() == identity(seed=3)
    assert identity() != identity(attributes=other)
    assert identity() != identity(similarity=True)
