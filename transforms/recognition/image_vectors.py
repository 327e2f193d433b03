"""What vectors of images show, by the text side of the model that made them: no image is seen."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from transforms.config.model import Model
from transforms.recognition.clip import TextTower, text_tower
from transforms.recognition.vision import similarities
from transforms.recognition.zeroshot import PromptGroup, ZeroShotClassifier

_SQUARES = (1e-30, 1e30)

Vectors = NDArray[np.float32]


class VectorRecogniser:
    """Zero-shot recognition and similarities from vectors (n, d) of images and of captions.

    The model is loaded where prompts or captions first need it. Raises FairshardError where it
    cannot be had.
    """

    def __init__(self, model: Model, groups: Sequence[PromptGroup]) -> None:
        self._model = model
        self._groups = groups

    @property
    def columns(self) -> tuple[int, ...]:
        """What `flags` decides on, in their order."""
        return tuple(column for group in self._groups for column in group.columns)

    @cached_property
    def width(self) -> int:
        """How many dimensions the model's vectors have."""
        return int(self._tower.encode_tokens([self._tower.tokens("")]).shape[1])

    def flags(self, images: Vectors) -> NDArray[np.bool_]:
        """Which of the `columns` are recognised, of unit vectors (n, d)."""
        return self._classifier.flags(torch.from_numpy(images).to(self._tower.device))

    def captions(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors (n, d) of captions."""
        most, tokens = self._model.batch_size, self._tower.tokens
        found = [
            self._tower.encode_tokens([tokens(text) for text in texts[first : first + most]])
            for first in range(0, len(texts), most)
        ]
        return torch.cat(found).cpu().numpy() if found else np.empty((0, self.width), np.float32)

    @cached_property
    def _tower(self) -> TextTower:
        return text_tower(self._model)

    @cached_property
    def _classifier(self) -> ZeroShotClassifier:
        return ZeroShotClassifier(self._tower, self._groups)


def unit_vectors(vectors: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
    """Vectors (n, d) as unit vectors, and which of them have a direction.

    Neither zeros nor what holds a number that is not finite has one.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors).astype(np.float64)
        odd = ~((squares > _SQUARES[0]) & (squares < _SQUARES[1]))
        squares[odd] = np.square(vectors[odd], dtype=np.float64).sum(axis=1)
        directed, lengths = np.isfinite(squares) & (squares > 0), np.sqrt(squares)
        units = vectors / lengths.astype(np.float32)[:, None]
        units[odd] = vectors[odd] / lengths[odd, None]
        return units, directed


def cosines(images: Vectors, texts: Vectors) -> list[float]:
    """The cosines of unit vectors, rounded as a similarity is."""
    return similarities(torch.from_numpy(images), torch.from_numpy(texts))
