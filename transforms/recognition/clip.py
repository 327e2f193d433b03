"""An open_clip model: loading it, and turning images and captions into unit vectors."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from numpy.typing import NDArray
from open_clip.pretrained import get_pretrained_cfg
from open_clip.transform import PreprocessCfg
from torch.nn.functional import normalize

from transforms.base.errors import FairshardError, reason_of
from transforms.config.sections import Model
from transforms.recognition.checkpoints import fetched
from transforms.recognition.devices import device_of
from transforms.recognition.shaping import Shaping
from transforms.recognition.tokeniser import Tokeniser


class TextTower:
    """An open_clip model on its device, ready to encode texts; for one or many threads.

    On CPUs PyTorch is set to one thread in this process: shards and pictures are what runs in
    parallel, and scores do not depend on the number of cores. Raises FairshardError where the model
    cannot be had: no such name, tag or file, no network, no CUDA device.
    """

    def __init__(self, settings: Model) -> None:
        self.device = device_of(settings.device)
        self.precision = _precision(settings.precision, self.device)
        torch.set_num_threads(1)
        self.model, tokenizer = _loaded(settings, self.precision, self.device)
        self._tokeniser = Tokeniser(tokenizer)
        self.logit_scale: float = self.model.logit_scale.exp().item()

    def tokens(self, text: str) -> NDArray[np.int64]:
        """The tokens (context length,) of a text, cut to what the model reads."""
        return self._tokeniser.tokens(text)

    @torch.inference_mode()
    def encode_tokens(self, tokens: Sequence[NDArray[np.int64]]) -> torch.Tensor:
        """Unit vectors (n, d), float32, of n tokenised texts."""
        batch = self._moved(torch.from_numpy(np.stack(tokens)))
        return normalize(self.model.encode_text(batch).float(), dim=-1)

    def _moved(self, batch: torch.Tensor) -> torch.Tensor:
        if self.device.type == "cpu":
            return batch
        with torch.cuda.device(self.device):  # or the first GPU would hold what is pinned
            return batch.pin_memory().to(self.device, non_blocking=True)


class Clip(TextTower):
    """An open_clip model on its device, ready to encode images as well."""

    def __init__(self, settings: Model) -> None:
        super().__init__(settings)
        preprocess = PreprocessCfg(**self.model.visual.preprocess_cfg)
        self.shape = Shaping(preprocess)
        self.side = self.shape.side
        self._mean = self._channels(preprocess.mean)
        self._std = self._channels(preprocess.std)
        self.dtype = open_clip.get_input_dtype(self.precision) or torch.float32

    @torch.inference_mode()
    def encode_images(self, pixels: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """Unit vectors (n, d), float32, of n images (height, width, 3) on the 0 to 255 scale."""
        return normalize(self.model.encode_image(self.inputs(pixels)).float(), dim=-1)

    def inputs(self, pixels: Sequence[NDArray[np.uint8]]) -> torch.Tensor:
        """The model's input (n, 3, height, width): what open_clip's own transform gives."""
        batch = self._moved(torch.from_numpy(np.stack(pixels))).permute(0, 3, 1, 2)
        return batch.float().div_(255).sub_(self._mean).div_(self._std).to(self.dtype)

    def _channels(self, values: Sequence[float]) -> torch.Tensor:
        return torch.tensor(values, device=self.device).view(1, -1, 1, 1)


def text_tower(settings: Model) -> TextTower:
    """A model's side of texts alone: the memory of its image side is free again."""
    tower = TextTower(settings)
    tower.model.visual = None
    return tower


def _precision(wanted: str, device: torch.device) -> str:
    if wanted != "auto":
        return wanted
    if device.type == "cpu":
        return "fp32"
    with torch.cuda.device(device):
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


def _loaded(settings: Model, precision: str, device: torch.device) -> tuple[Any, Any]:
    """The model in evaluation mode, and its tokenizer."""
    weights = _weights(settings)
    tag = get_pretrained_cfg(settings.name.replace("/", "-"), weights) if weights else {}
    try:
        model = open_clip.create_model(
            settings.name,
            pretrained=weights,
            precision=precision,
            device=device,
            force_quick_gelu=bool(tag.get("quick_gelu")),
            require_pretrained=True,
        )
        tokenizer = open_clip.get_tokenizer(settings.name)
    except Exception as error:
        reason = reason_of(error)
        advice = (
            "check the network, or give a folder with the weights as model.name: local-dir:FOLDER"
            if tag or settings.name.startswith("hf-hub:")
            else "check that the file is whole and made for this model"
        )
        raise FairshardError(
            f"the model {settings.name} cannot be loaded: {reason}; {advice}"
        ) from error
    return model.eval(), tokenizer


def _weights(settings: Model) -> str | None:
    """What open_clip takes as `pretrained`, checked: None where the name itself has weights."""
    scheme, found, folder = settings.name.partition(":")
    if found and scheme in ("local-dir", "hf-hub"):
        if settings.pretrained is not None:
            raise FairshardError(
                f"model.pretrained cannot be used with {settings.name}, which has weights of its "
                "own: leave it out"
            )
        if scheme == "local-dir" and not (Path(folder) / "open_clip_config.json").is_file():
            raise FairshardError(
                f"model.name: there is no open_clip_config.json in {folder}: give the folder of an "
                "open_clip model"
            )
        return None
    name = settings.name.replace("/", "-")
    if name not in open_clip.list_models():
        close = difflib.get_close_matches(name, open_clip.list_models(), n=5)
        hint = f"did you mean {', '.join(close)}?" if close else "see open_clip.list_models()"
        raise FairshardError(f"model.name: open_clip has no model {settings.name}: {hint}")
    tags = ", ".join(open_clip.list_pretrained_tags_by_model(name)) or "none"
    if settings.pretrained is None:
        raise FairshardError(
            f"model.pretrained is missing: {settings.name} needs weights; give a file, a URL, or "
            f"one of its tags: {tags}"
        )
    if "://" in settings.pretrained:
        return str(fetched(settings.pretrained))
    if not Path(settings.pretrained).is_file() and not get_pretrained_cfg(
        name, settings.pretrained
    ):
        raise FairshardError(
            f"model.pretrained: {settings.pretrained} is neither a file nor a tag of "
            f"{settings.name}; its tags: {tags}"
        )
    return settings.pretrained
