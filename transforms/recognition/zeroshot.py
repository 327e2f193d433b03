"""Zero-shot recognition: a softmax over the names of a group and its alternatives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from transforms.config.groups import ZeroShot
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.clip import TextTower
from transforms.recognition.settings import zero_shot_of

_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class PromptGroup:
    """The names of a group that have prompts: each one's column and prompts, and how to decide."""

    columns: tuple[int, ...]
    prompts: tuple[tuple[str, ...], ...]
    settings: ZeroShot


class ZeroShotClassifier:
    """Recognises the names of prompt groups in images.

    A name's class vector is the mean of the unit vectors of all its prompts in all templates, made
    a unit vector again (prompt ensembling: Radford et al., "Learning Transferable Visual Models
    From Natural Language Supervision", 2021, section 3.1.4). Each string of `none_of_these` is a
    class of its own. The class vectors are computed here, once.
    """

    def __init__(self, clip: TextTower, groups: Sequence[PromptGroup]) -> None:
        self._clip = clip
        self._groups = groups
        self._classes = [_class_vectors(clip, group) for group in groups]
        self.columns = tuple(column for group in groups for column in group.columns)

    def recognise(self, images: torch.Tensor) -> list[set[int]]:
        """The columns recognised in each image, of n unit vectors (n, d); raises as `flags`."""
        found: list[set[int]] = [set() for _ in range(len(images))]
        for image, name in np.argwhere(self.flags(images)):
            found[image].add(self.columns[name])
        return found

    def flags(self, images: torch.Tensor) -> NDArray[np.bool_]:
        """Which of the `columns` are recognised in images, of n unit vectors (n, d).

        A name is recognised where its probability, rounded to 5 decimals, is at least the group's
        threshold. Raises ValueError where a probability is not finite.
        """
        found = np.empty((len(images), len(self.columns)), np.bool_)
        begin = 0
        for group, classes in zip(self._groups, self._classes, strict=True):
            logits = self._clip.logit_scale * images @ classes.T
            probabilities = torch.softmax(logits.double(), dim=1).cpu().numpy()
            end = begin + len(group.columns)
            of_names = rounded(probabilities[:, : end - begin])
            found[:, begin:end] = of_names >= group.settings.threshold
            begin = end
        return found


def prompt_groups(prompts: Mapping[int, tuple[str, ...]], config: Config) -> list[PromptGroup]:
    """The prompts of columns by group, in the order of their columns."""
    entries = schema_of(config).recognised
    columns: dict[tuple[str, str], list[int]] = {}
    for column in sorted(prompts):
        columns.setdefault((entries[column].kind, entries[column].group), []).append(column)
    return [
        PromptGroup(
            columns=tuple(members),
            prompts=tuple(prompts[column] for column in members),
            settings=zero_shot_of(config, entries[members[0]]),
        )
        for members in columns.values()
    ]


def rounded(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of the model to 5 decimals; ValueError where one is not finite."""
    if not np.isfinite(scores).all():
        raise ValueError("the model gives a score that is not finite")
    return scores.round(_DECIMALS)


def _class_vectors(clip: TextTower, group: PromptGroup) -> torch.Tensor:
    """Unit vectors (names + alternatives, d)."""
    classes = [*group.prompts, *((text,) for text in group.settings.none_of_these)]
    return torch.cat(
        [_class_vector(clip, prompts, group.settings.templates) for prompts in classes]
    )


def _class_vector(
    clip: TextTower, prompts: Sequence[str], templates: Sequence[str]
) -> torch.Tensor:
    texts = [template.replace("{}", prompt) for prompt in prompts for template in templates]
    vectors = clip.encode_tokens([clip.tokens(text) for text in texts])
    return normalize(vectors.mean(dim=0, keepdim=True), dim=-1)
