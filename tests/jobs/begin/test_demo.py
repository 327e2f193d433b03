"""The demo: its scenes, captions, planted bias, shards and model."""

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
import webdataset
from open_clip import create_model_and_transforms, get_tokenizer
from PIL import Image

from jobs.begin.demo.captions import LEXICON, PHRASES, caption, description
from jobs.begin.demo.corpus import MODEL, TRUTH, write_corpus
from jobs.begin.demo.evaluate import evenly, zero_shot_accuracy
from jobs.begin.demo.planted import FIGURE_NAMES, TOOL_NAMES, Planted, sample_scenes
from jobs.begin.demo.scenes import SIDE, Scene, draw
from transforms.base.errors import FairshardError

SCENE = Scene("fox", "hammer", "snow", seed=3, quality=0.5)


def _told(text: str) -> set[str]:
    """The names whose lexicon terms stand in the text."""
    return {name for name, terms in LEXICON.items() if re.search(rf"\b({'|'.join(terms)})\b", text)}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_equal_scenes_give_equal_pictures() -> None:
    picture = draw(SCENE)
    assert picture.size == (SIDE, SIDE)
    assert picture.mode == "RGB"
    assert picture.tobytes() == draw(SCENE).tobytes()


@pytest.mark.parametrize(
    "other",
    [
        {"figure": "owl"},
        {"figure": None},
        {"tool": "book"},
        {"tool": None},
        {"background": "night"},
        {"seed": 4},
        {"quality": 0.9},
    ],
)
def test_each_part_of_a_scene_is_seen(other: dict[str, object]) -> None:
    assert draw(replace(SCENE, **other)).tobytes() != draw(SCENE).tobytes()


def test_noise_follows_quality() -> None:
    clean = np.asarray(draw(replace(SCENE, quality=1.0)), np.int16)
    errors = [
        np.abs(np.asarray(draw(replace(SCENE, quality=quality)), np.int16) - clean).mean()
        for quality in (0.8, 0.4, 0.0)
    ]
    assert 0 < errors[0] < errors[1] < errors[2] < 20


def test_lexicon_tells_every_phrase_from_the_others() -> None:
    for phrases in PHRASES.values():
        for name, wordings in phrases.items():
            for wording in wordings:
                assert _told(wording) == ({name} if name else set())


def test_description_tells_just_what_it_should() -> None:
    rng = Random(0)
    for _ in range(200):
        assert _told(description(SCENE, ("figure", "tool", "background"), rng)) == {
            "fox",
            "hammer",
            "snow",
        }
        assert _told(description(SCENE, ("tool",), rng)) == {"hammer"}


def test_captions_vary_are_true_and_leave_out_about_a_third() -> None:
    rng = Random(0)
    captions = [caption(SCENE, rng) for _ in range(3000)]
    told = [_told(text) for text in captions]
    assert len(set(captions)) > 500
    assert all(names <= {"fox", "hammer", "snow"} for names in told)
    assert all(text.strip() == text and "  " not in text for text in captions)
    for name in ("fox", "hammer"):
        # Left out with probability 0.3, called by a generic word with 0.1; 4 standard errors.
        assert np.mean([name in names for names in told]) == pytest.approx(0.6, abs=0.036)


def test_captions_never_tell_what_is_absent() -> None:
    rng = Random(0)
    empty = Scene(None, None, "beach", seed=0)
    assert all(_told(caption(empty, rng)) == {"beach"} for _ in range(200))


def test_planted_bias_is_as_stated() -> None:
    planted = Planted()
    scenes = sample_scenes(planted, 20_000, np.random.default_rng(0))
    fox, owl = (np.array([scene.figure == name for scene in scenes]) for name in ("fox", "owl"))
    hammer = np.array([scene.tool == "hammer" for scene in scenes])
    # 4 standard errors of a share of 20,000 are at most 0.0142, of a difference of two 0.03.
    assert fox.mean() == pytest.approx(planted.figures["fox"], abs=0.0142)
    assert owl.mean() == pytest.approx(planted.figures["owl"], abs=0.0142)
    assert fox[fox | owl].mean() - 0.5 >= 0.2
    assert fox.mean() - 0.4 >= 0.2
    assert hammer[fox].mean() == pytest.approx(planted.tools["fox"]["hammer"], abs=0.03)
    assert hammer[fox].mean() - hammer[~fox].mean() >= 0.3
    for name in TOOL_NAMES:
        share = np.mean([scene.tool == name for scene in scenes if scene.figure == "owl"])
        assert share == pytest.approx(planted.tools["owl"][name], abs=0.03)


def test_default_bias_can_be_removed_at_half_the_size() -> None:
    """Among foxes and owls, tool by tool and background by background, eta = 0.5 is attainable."""
    joint = Planted().joint()
    fox, owl = FIGURE_NAMES.index("fox"), FIGURE_NAMES.index("owl")
    kept = np.minimum(joint[fox], joint[owl]).sum()
    others = joint.sum() - joint[fox].sum() - joint[owl].sum()
    assert 2 * kept + others >= 0.5


def test_shares_that_are_no_distribution_are_refused() -> None:
    with pytest.raises(FairshardError, match="figures: shares must be"):
        Planted(figures={"fox": 0.9, "owl": 0.9, "bear": 0.1, None: 0.1}).joint()
    with pytest.raises(FairshardError, match="figures: give a share"):
        Planted(figures={"fox": 1.0}).joint()


def test_corpus_is_the_same_however_many_workers(tmp_path: Path) -> None:
    written: list[int] = []
    write_corpus(tmp_path / "a", 90, 3, seed=5, workers=1, on_shard=written.append)
    write_corpus(tmp_path / "b", 90, 3, seed=5, workers=2)
    write_corpus(tmp_path / "c", 90, 3, seed=6, workers=1)
    first, second, third = (_files(tmp_path / name) for name in "abc")
    assert written == [30, 30, 30]
    assert first == second
    assert sorted(first) == [
        "model/open_clip_config.json",
        "model/open_clip_model.safetensors",
        "shards/00000.tar",
        "shards/00001.tar",
        "shards/00002.tar",
        "truth.parquet",
    ]
    assert not {first[name] for name in first if name.endswith(".tar")} & set(third.values())


def test_corpus_is_read_by_webdataset(tmp_path: Path) -> None:
    write_corpus(tmp_path, 25, 2, seed=0, workers=1)
    urls = [str(path) for path in sorted((tmp_path / "shards").glob("*.tar"))]
    samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("pil"))
    truth = pq.read_table(tmp_path / "truth.parquet")
    assert truth.schema == TRUTH
    assert [sample["__key__"] for sample in samples] == [f"{index:09d}" for index in range(25)]
    for sample, row in zip(samples, truth.to_pylist(), strict=True):
        labels = sample["json"]
        assert {name: labels[name] for name in row} == row
        assert 0 <= labels["quality"] <= 1
        assert isinstance(sample["jpg"], Image.Image)
        assert sample["jpg"].size == (SIDE, SIDE)
        assert _told(sample["txt"]) <= {row["figure"], row["tool"], row["background"]}


@pytest.mark.parametrize(("samples", "shards"), [(0, 1), (3, 4), (5, 0)])
def test_numbers_that_make_no_corpus_are_refused(tmp_path: Path, samples: int, shards: int) -> None:
    with pytest.raises(FairshardError, match="make no corpus"):
        write_corpus(tmp_path, samples, shards, seed=0)


def test_shards_of_another_corpus_are_refused(tmp_path: Path) -> None:
    write_corpus(tmp_path, 4, 2, seed=0, workers=1)
    before = _files(tmp_path)
    with pytest.raises(FairshardError, match=r"already holds 00001\.tar"):
        write_corpus(tmp_path, 4, 1, seed=0, workers=1)
    assert _files(tmp_path) == before


def test_stored_model_is_small_and_right() -> None:
    assert sum(path.stat().st_size for path in MODEL.iterdir()) <= 5_000_000
    model, _, preprocess = create_model_and_transforms(f"local-dir:{MODEL}")
    tokenizer = get_tokenizer(f"local-dir:{MODEL}")
    scenes = sample_scenes(evenly(), 600, np.random.default_rng(1234))
    accuracy = zero_shot_accuracy(model, preprocess, tokenizer, scenes)
    assert min(accuracy.values()) >= 0.95
