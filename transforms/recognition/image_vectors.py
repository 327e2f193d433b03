"""What vectors of images show, by the text side of the model that made them: no image is seen."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from transforms.config.model import Model
from transforms.recognition.clip import TextTower, text_tower
from transforms.recognition.zeroshot import PromptGroup, ZeroShotClassifier, rounded

_SQUARES = (1e-30, 1e30)

Vectors = NDArray[np.float32]
Flags = NDArray[np.bool_]


class VectorRecogniser:
    """Zero-shot recognition and similarities from unit vectors (n, d) of images and of captions.

    The class vectors are computed here, once. Raises FairshardError where the model cannot be had.
    """

    def __init__(self, model: Model, groups: Sequence[PromptGroup]) -> None:
        self._tower: TextTower = text_tower(model)
        self._classifier = ZeroShotClassifier(self._tower, groups)
        self._most = model.batch_size

    @cached_property
    def width(self) -> int:
        """How many dimensions the model's vectors have."""
        return int(self.captions([""]).shape[1])

    def found(self, images: Vectors) -> dict[int, Flags]:
        """Which columns are recognised in each image."""
        flags = self._classifier.flags(torch.from_numpy(images).to(self._tower.device))
        return dict(zip(self._classifier.columns, flags.T, strict=True))

    def captions(self, texts: Sequence[str]) -> Vectors:
        """The unit vectors of captions."""
        tokens, encode = self._tower.tokens, self._tower.encode_tokens
        batches = (texts[start : start + self._most] for start in range(0, len(texts), self._most))
        found = [encode([tokens(text) for text in batch]).cpu().numpy() for batch in batches]
        return np.concatenate(found) if found else np.empty((0, self.width), np.float32)


def directed(vectors: Vectors) -> tuple[Vectors, Flags]:
    """Vectors (n, d) as unit vectors, and which of them have a direction.

    Neither zeros nor what holds a number that is not finite has one; it is left as it may be.
    """
    with np.errstate(all="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors).astype(np.float64)
        odd = ~((squares > _SQUARES[0]) & (squares < _SQUARES[1]))
        squares[odd] = np.square(vectors[odd], dtype=np.float64).sum(axis=1)
        lengths = np.sqrt(squares)
        units = vectors / lengths.astype(np.float32)[:, None]
        units[odd] = vectors[odd] / lengths[odd, None]
    return units, np.isfinite(lengths) & (lengths > 0)


def cosines(images: Vectors, texts: Vectors) -> NDArray[np.float64]:
    """The cosines of unit vectors, rounded as similarities are."""
    return rounded(np.einsum("nd,nd->n", images, texts, dtype=np.float64))
