"""Train the demo's tiny open_clip model: `python -m jobs.begin.demo.train --out FOLDER --seed 0`.

The loss is contrastive, between pictures and texts, with every text that is true of a picture a
positive: demo labels repeat often in a batch, and another true text is no negative. It is the
bidirectional loss of Yang et al., "Unified Contrastive Learning in Image-Text-Label Space",
CVPR 2022 (arXiv 2204.03610).
"""

import argparse
import json
import math
import time
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import torch
from open_clip import create_model_and_transforms, get_tokenizer
from safetensors.torch import save
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

from jobs.begin.demo.captions import GROUPS, Group, description
from jobs.begin.demo.evaluate import ScenePictures, Tokenizer, evenly, zero_shot_accuracy
from jobs.begin.demo.planted import sample_scenes
from jobs.begin.demo.scenes import Scene

CONFIG = {
    "model_cfg": {
        "embed_dim": 64,
        "init_logit_scale": 3.4,
        "vision_cfg": {
            "image_size": 64,
            "layers": [1, 1, 1, 1],
            "width": 12,
            "head_width": 64,
            "patch_size": None,
        },
        "text_cfg": {
            "context_length": 24,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
    },
    "preprocess_cfg": {
        "size": 64,
        "mean": [0.5, 0.5, 0.5],
        "std": [0.25, 0.25, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
    },
}
"""`open_clip_config.json`: the text tower is narrow for the 49,408 tokens to fit into 5 MB."""

ALONE: tuple[tuple[Group, ...], ...] = (("figure",), ("tool",), ("background",))
TOGETHER: tuple[tuple[Group, ...], ...] = (
    ("figure", "tool"),
    ("figure", "background"),
    ("tool", "background"),
    GROUPS,
)
"""What texts tell. A step has a contrastive loss for each of ALONE and for one of TOGETHER."""

PEAK_RATE = 2e-3
WARM_UP = 100
BATCH = 256


def contrastive_loss(scale: Tensor, images: Tensor, texts: Tensor, same: Tensor) -> Tensor:
    """Cross entropy, both ways, of B images and B texts, shapes (B, d), of length 1.

    `same` (B, B) is true where the text is true of the image; it is symmetric.
    """
    logits = scale * images @ texts.T
    target = same / same.sum(dim=1, keepdim=True)
    return (cross_entropy(logits, target) + cross_entropy(logits.T, target)) / 2


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine down to zero."""
    if step < WARM_UP:
        return PEAK_RATE * (step + 1) / WARM_UP
    return PEAK_RATE * (1 + math.cos(math.pi * (step - WARM_UP) / (steps - WARM_UP))) / 2


def train(out: Path, seed: int, pictures: int, steps: int) -> None:
    """Train on `pictures` scenes for `steps` batches, and write the model's folder `out`."""
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    config = json.dumps(CONFIG, indent=2) + "\n"
    with TemporaryDirectory() as folder:
        (Path(folder) / "open_clip_config.json").write_text(config)
        model, _, preprocess = create_model_and_transforms(f"local-dir:{folder}")
        tokenizer = get_tokenizer(f"local-dir:{folder}")

    began = time.monotonic()
    rng = np.random.default_rng([seed, 0])
    scenes = sample_scenes(evenly(), pictures, rng)
    drawn = DataLoader(ScenePictures(scenes, preprocess), batch_size=BATCH, num_workers=2)
    images = torch.cat([batch.half() for batch in drawn])
    print(f"drew {pictures} pictures in {time.monotonic() - began:.0f} s", flush=True)

    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.02)
    wording = Random(seed)

    @cache
    def tokens(text: str) -> Tensor:
        encoded: Tensor = tokenizer([text])
        return encoded[0]

    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        chosen = rng.integers(pictures, size=BATCH)
        shown = [scenes[index] for index in chosen]
        seen = model.encode_image(images[chosen].float(), normalize=True)
        losses = []
        for told in (*ALONE, wording.choice(TOGETHER)):
            texts = [tokens(description(scene, told, wording)) for scene in shown]
            read = model.encode_text(torch.stack(texts), normalize=True)
            losses.append(contrastive_loss(model.logit_scale.exp(), seen, read, _same(shown, told)))
        loss = torch.stack(losses).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        if step % 50 == 0 or step == steps - 1:
            print(
                f"step {step:5d}  loss {loss.item():.4f}  "
                f"scale {model.logit_scale.exp().item():.1f}  {time.monotonic() - began:.0f} s",
                flush=True,
            )
    weights = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in model.state_dict().items()
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "open_clip_config.json").write_text(config)
    (out / "open_clip_model.safetensors").write_bytes(save(weights))


def _same(scenes: list[Scene], told: tuple[Group, ...]) -> Tensor:
    """(B, B): whether two scenes have the same labels in the groups `told`."""
    labels = [tuple(getattr(scene, group) for group in told) for scene in scenes]
    numbers = {label: number for number, label in enumerate(set(labels))}
    classes = torch.tensor([numbers[label] for label in labels])
    return classes[:, None] == classes[None, :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the model's folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pictures", type=int, default=24_000, help="pictures to train on")
    parser.add_argument("--steps", type=int, default=1_200, help=f"batches of {BATCH}")
    options = parser.parse_args()
    train(options.out, options.seed, options.pictures, options.steps)
    model, _, preprocess = create_model_and_transforms(f"local-dir:{options.out}")
    tokenizer: Tokenizer = get_tokenizer(f"local-dir:{options.out}")
    fresh = sample_scenes(evenly(), 5_000, np.random.default_rng([options.seed, 1]))
    for group, accuracy in zero_shot_accuracy(model, preprocess, tokenizer, fresh).items():
        print(f"zero-shot accuracy on {len(fresh)} fresh pictures, {group}: {accuracy:.2%}")


if __name__ == "__main__":
    main()
