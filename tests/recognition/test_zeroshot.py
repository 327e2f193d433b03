"""The model: how it is had, what it is fed, and what it recognises, against open_clip itself."""

import io
import json
import shutil
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
import open_clip
import pytest
import torch
from fsspec.implementations.memory import MemoryFileSystem
from open_clip.transformer import QuickGELU
from open_clip.zero_shot_classifier import build_zero_shot_classifier_legacy
from PIL import Image

from jobs.begin.demo.captions import caption
from jobs.begin.demo.corpus import MODEL
from jobs.begin.demo.evaluate import evenly
from jobs.begin.demo.planted import sample_scenes
from jobs.begin.demo.scenes import draw, jpeg
from transforms.base.errors import FairshardError
from transforms.config.groups import ZeroShot
from transforms.config.sections import Model
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.recognition.vision import similarities
from transforms.recognition.zeroshot import PromptGroup, ZeroShotClassifier

NAME = f"local-dir:{MODEL}"
SCENES = sample_scenes(evenly(), 12, np.random.default_rng(5))
FILES = [jpeg(draw(scene)) for scene in SCENES]
TEMPLATES = ("{}", "a picture of {}")


@pytest.fixture(scope="module")
def clip() -> Clip:
    return Clip(Model(name=NAME))


@pytest.fixture(scope="module")
def images(clip: Clip) -> torch.Tensor:
    decoder = Decoder(clip.shape, clip.side, 10**6)
    return clip.encode_images([decoder.decode(content) for content in FILES])


def test_the_model_is_fed_what_open_clips_own_transform_gives(clip: Clip) -> None:
    """But for 2 of 255 levels, by which resizing rounds otherwise."""
    _, _, preprocess = open_clip.create_model_and_transforms(NAME)
    expected = torch.stack([preprocess(Image.open(io.BytesIO(content))) for content in FILES])
    decoder = Decoder(clip.shape, clip.side, 10**6)
    inputs = clip.inputs([decoder.decode(content) for content in FILES])
    level = 1 / (255 * min(clip.model.visual.preprocess_cfg["std"]))
    torch.testing.assert_close(inputs, expected, rtol=0, atol=2 * level + 1e-6)
    assert ((inputs - expected).abs() > 1e-6).float().mean() < 0.02


def test_vectors_are_open_clips_own(clip: Clip, images: torch.Tensor) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(NAME)
    model.eval()
    texts = [caption(scene, Random(1)) for scene in SCENES]
    with torch.inference_mode():
        batch = torch.stack([preprocess(Image.open(io.BytesIO(content))) for content in FILES])
        expected_images = model.encode_image(batch, normalize=True)
        tokens = open_clip.get_tokenizer(NAME)(texts)
        expected_texts = model.encode_text(tokens, normalize=True)
    vectors = clip.encode_tokens([clip.tokens(text) for text in texts])
    torch.testing.assert_close(images, expected_images, rtol=0, atol=1e-3)
    torch.testing.assert_close(vectors, expected_texts, rtol=0, atol=1e-5)
    cosines = (expected_images * expected_texts).sum(dim=1)
    assert similarities(images, vectors) == pytest.approx(cosines.tolist(), abs=1e-3)


def test_labels_are_those_of_open_clips_own_transform(clip: Clip) -> None:
    classifier = ZeroShotClassifier(
        clip, [PromptGroup((0, 1, 2), (("a fox",), ("an owl",), ("a bear",)), ZeroShot())]
    )
    _, _, preprocess = open_clip.create_model_and_transforms(NAME)
    scenes = sample_scenes(evenly(), 200, np.random.default_rng(6))
    files = [jpeg(draw(scene)) for scene in scenes]
    decoder = Decoder(clip.shape, clip.side, 10**6)
    ours = clip.encode_images([decoder.decode(content) for content in files])
    with torch.inference_mode():
        batch = torch.stack([preprocess(Image.open(io.BytesIO(content))) for content in files])
        theirs = clip.model.encode_image(batch, normalize=True)
    assert not torch.equal(ours, theirs)
    assert np.array_equal(classifier.flags(ours), classifier.flags(theirs))


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_gives_nearly_the_same_vectors(
    images: torch.Tensor, precision: Literal["bf16", "fp16"]
) -> None:
    clip = Clip(Model(name=NAME, device="cpu", precision=precision))
    decoder = Decoder(clip.shape, clip.side, 10**6)
    vectors = clip.encode_images([decoder.decode(content) for content in FILES])
    assert vectors.dtype == torch.float32
    assert (vectors * images).sum(dim=1).min() > 0.999
    assert clip.encode_tokens([clip.tokens("a fox")]).dtype == torch.float32


def _expected(clip: Clip, images: torch.Tensor, classes: list[str]) -> torch.Tensor:
    """Probabilities (images, classes) by open_clip's own classifier."""
    tokenizer = open_clip.get_tokenizer(NAME)
    with torch.inference_mode():
        weights = build_zero_shot_classifier_legacy(clip.model, tokenizer, classes, TEMPLATES)
        return torch.softmax(clip.logit_scale * images @ weights, dim=1)


def test_a_name_is_recognised_from_its_threshold_on(clip: Clip, images: torch.Tensor) -> None:
    mixed = torch.nn.functional.normalize(images + 0.8 * images.roll(1, 0), dim=1)
    alternatives = ("no animal", "nobody")
    expected = _expected(clip, mixed, ["a fox", "an owl", "a bear", *alternatives])
    compared = 0
    for image, name in np.ndindex(len(images), 3):
        probability = expected[image, name].item()
        if not 0.01 < probability < 0.99:
            continue
        for threshold, recognised in ((probability - 1e-4, True), (probability + 1e-4, False)):
            settings = ZeroShot(
                templates=TEMPLATES, none_of_these=alternatives, threshold=threshold
            )
            group = PromptGroup((4, 2, 9), (("a fox",), ("an owl",), ("a bear",)), settings)
            found = ZeroShotClassifier(clip, [group]).recognise(mixed)[image]
            assert ((4, 2, 9)[name] in found) is recognised
            compared += 1
    assert compared > 4


def test_a_name_of_many_prompts_is_the_mean_of_their_vectors(
    clip: Clip, images: torch.Tensor
) -> None:
    prompts = ("a fox", "a red fox", "a vixen")
    settings = ZeroShot(templates=TEMPLATES, none_of_these=("an owl",), threshold=0.5)
    found = ZeroShotClassifier(clip, [PromptGroup((0,), (prompts,), settings)]).recognise(images)

    def vector(texts: tuple[str, ...]) -> torch.Tensor:
        sentences = [template.format(text) for text in texts for template in TEMPLATES]
        vectors = clip.encode_tokens([clip.tokens(sentence) for sentence in sentences])
        return torch.nn.functional.normalize(vectors.mean(dim=0), dim=0)

    logits = clip.logit_scale * images @ torch.stack([vector(prompts), vector(("an owl",))]).T
    assert [bool(columns) for columns in found] == (logits[:, 0] >= logits[:, 1]).tolist()
    assert 0 < sum(map(bool, found)) < len(found)


def test_groups_are_decided_apart(clip: Clip, images: torch.Tensor) -> None:
    figures = PromptGroup((0, 1), (("a fox",), ("an owl",)), ZeroShot())
    places = PromptGroup((2, 3), (("at night",), ("in the snow",)), ZeroShot())
    together = ZeroShotClassifier(clip, [figures, places]).recognise(images)
    apart = [ZeroShotClassifier(clip, [group]).recognise(images) for group in (figures, places)]
    assert together == [one | other for one, other in zip(*apart, strict=True)]


def test_scores_that_are_not_finite_are_errors(clip: Clip, images: torch.Tensor) -> None:
    group = PromptGroup((0, 1), (("a fox",), ("an owl",)), ZeroShot())
    with pytest.raises(ValueError, match="not finite"):
        ZeroShotClassifier(clip, [group]).recognise(images * torch.nan)
    with pytest.raises(ValueError, match="not finite"):
        similarities(images * torch.nan, images)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ({"name": "ViT-B-23"}, "open_clip has no model ViT-B-23: did you mean .*ViT-B-32"),
        ({"name": "ViT-B-32"}, "model.pretrained is missing: ViT-B-32 needs weights; .*openai"),
        (
            {"name": "ViT-B-32", "pretrained": "laion3b"},
            "laion3b is neither a file nor a tag of ViT-B-32; its tags: .*openai",
        ),
        ({"name": "local-dir:/no/such/folder"}, "no open_clip_config.json in /no/such/folder"),
        ({"name": NAME, "pretrained": "openai"}, "model.pretrained cannot be used with local-dir:"),
        (
            {"name": "ViT-B-32", "pretrained": "memory://none/model.safetensors"},
            "the checkpoint memory://none/model.safetensors cannot be fetched",
        ),
        (
            {"name": "ViT-B-32", "pretrained": "laion2b_e16"},
            "ViT-B-32 cannot be loaded: .*check the network",
        ),
        ({"name": "hf-hub:nobody/nothing"}, "hf-hub:nobody/nothing cannot be loaded: .*network"),
        ({"name": NAME, "device": "cuda"}, "model.device is cuda but this machine has no CUDA"),
    ],
)
def test_a_model_that_cannot_be_had_is_one_clear_sentence(
    model: dict[str, str], error: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(FairshardError, match=error) as raised:
        Clip(Model(**model))
    assert "\n" not in str(raised.value)


def test_a_folder_without_weights_or_with_broken_ones_is_an_error(tmp_path: Path) -> None:
    shutil.copy(MODEL / "open_clip_config.json", tmp_path)
    with pytest.raises(FairshardError, match=r"cannot be loaded: .*could not be loaded"):
        Clip(Model(name=f"local-dir:{tmp_path}"))
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(FairshardError, match=r"cannot be loaded: .*check that the file is whole"):
        Clip(Model(name=f"local-dir:{tmp_path}"))


def test_a_pickle_is_not_executed(tmp_path: Path) -> None:
    shutil.copy(MODEL / "open_clip_config.json", tmp_path)
    torch.save({"state_dict": Random(1)}, tmp_path / "open_clip_pytorch_model.bin")
    with pytest.raises(FairshardError, match="Weights only load failed"):
        Clip(Model(name=f"local-dir:{tmp_path}"))


def _registered(folder: Path) -> str:
    """The demo model's architecture, as a name that open_clip knows."""
    config = json.loads((MODEL / "open_clip_config.json").read_text())
    (folder / "tiny.json").write_text(json.dumps(config["model_cfg"]))
    open_clip.add_model_config(folder)
    return "tiny"


def test_weights_of_a_tag_get_the_activation_they_were_trained_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = {"file": str(next(MODEL.glob("*.safetensors")))}
    tags = {"plain": tag, "quick": tag | {"quick_gelu": True}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", tags)
    name = _registered(tmp_path)
    for pretrained in tags:
        modules = Clip(Model(name=name, pretrained=pretrained)).model.modules()
        is_quick = any(isinstance(module, QuickGELU) for module in modules)
        assert is_quick == (pretrained == "quick")


def test_a_checkpoint_at_a_url_is_fetched_once_for_each_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: torch.Tensor
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights = next(MODEL.glob("*.safetensors")).read_bytes()
    storage = MemoryFileSystem()
    storage.pipe_file("/weights/tiny.safetensors", weights)
    settings = Model(name=_registered(tmp_path), pretrained="memory://weights/tiny.safetensors")
    first = Clip(settings)
    assert first.encode_tokens([first.tokens("a fox")]).shape == (1, images.shape[1])
    copies = list((tmp_path / "cache").rglob("tiny.safetensors"))
    assert [copy.read_bytes() for copy in copies] == [weights]
    made = copies[0].stat().st_mtime_ns
    Clip(settings)
    assert copies[0].stat().st_mtime_ns == made
    storage.pipe_file("/weights/tiny.safetensors", b"another version")
    with pytest.raises(FairshardError, match="check that the file is whole"):
        Clip(settings)
    assert len(list((tmp_path / "cache").rglob("tiny.safetensors"))) == 2
