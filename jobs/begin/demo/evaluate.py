"""Zero-shot accuracy of an open_clip model on drawn scenes."""

import io
from collections.abc import Callable, Sequence

import torch
from open_clip import CLIP
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jobs.begin.demo.captions import GROUPS, PHRASES, TEMPLATES, Group
from jobs.begin.demo.planted import BACKGROUND_NAMES, FIGURE_NAMES, TOOL_NAMES, Planted, Shares
from jobs.begin.demo.scenes import Scene, draw, jpeg

Preprocess = Callable[[Image.Image], Tensor]
Tokenizer = Callable[[list[str]], Tensor]


class ScenePictures(Dataset[Tensor]):
    """The scenes' pictures as the model takes them, by way of JPEG: float32, (3, height, width)."""

    def __init__(self, scenes: Sequence[Scene], preprocess: Preprocess) -> None:
        self.scenes = scenes
        self.preprocess = preprocess

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Tensor:
        return self.preprocess(Image.open(io.BytesIO(jpeg(draw(self.scenes[index])))))


def evenly() -> Planted:
    """No bias: all figures, tools and backgrounds, and their absence, equally common."""
    tools: Shares = {name: 1 / len(TOOL_NAMES) for name in TOOL_NAMES}
    backgrounds: Shares = {name: 1 / len(BACKGROUND_NAMES) for name in BACKGROUND_NAMES}
    return Planted(
        figures={name: 1 / len(FIGURE_NAMES) for name in FIGURE_NAMES},
        tools=dict.fromkeys(FIGURE_NAMES, tools),
        backgrounds=dict.fromkeys(FIGURE_NAMES, backgrounds),
    )


@torch.inference_mode()
def zero_shot_accuracy(
    model: CLIP, preprocess: Preprocess, tokenizer: Tokenizer, scenes: Sequence[Scene]
) -> dict[Group, float]:
    """Per group, the share of scenes whose true name (or absence) has a probability above 1/2.

    The probabilities are a softmax over the group's names and absence, each name the mean of its
    prompts' embeddings.
    """
    model.eval()
    pictures = DataLoader(ScenePictures(scenes, preprocess), batch_size=256)
    images = torch.cat([model.encode_image(batch, normalize=True) for batch in pictures])
    accuracy: dict[Group, float] = {}
    for group in GROUPS:
        names = list(PHRASES[group])
        prompts = torch.stack([_embedding(model, tokenizer, group, name) for name in names])
        probabilities = (model.logit_scale.exp() * images @ prompts.T).softmax(dim=1)
        truth = torch.tensor([names.index(getattr(scene, group)) for scene in scenes])
        right = probabilities.gather(1, truth[:, None]) > 0.5
        accuracy[group] = right.float().mean().item()
    return accuracy


def _embedding(model: CLIP, tokenizer: Tokenizer, group: Group, name: str | None) -> Tensor:
    """The name's prompt ensemble, shape (width,), of length 1."""
    texts = [
        template.format(phrase) for template in TEMPLATES[group] for phrase in PHRASES[group][name]
    ]
    mean: Tensor = model.encode_text(tokenizer(texts), normalize=True).mean(dim=0)
    return torch.nn.functional.normalize(mean, dim=0)
