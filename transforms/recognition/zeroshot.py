"""Zero-shot recognition: a softmax over the names of a group and its alternatives."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import normalize

from transforms.base.errors import FairshardError
from transforms.base.logs import LOGGER
from transforms.config.schema import schema_of
from transforms.config.sections import Config, Model, ZeroShot
from transforms.recognition.candidates import Candidate, Sight
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.recognition.settings import recognitions, zero_shot_of

_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class PromptGroup:
    """The names of a group that have prompts: each one's column and prompts, and how to decide."""

    columns: tuple[int, ...]
    prompts: tuple[tuple[str, ...], ...]
    settings: ZeroShot


class Recogniser:
    """Recognises the names of prompt groups in images.

    A name's class vector is the mean of the unit vectors of all its prompts in all templates, made
    a unit vector again (prompt ensembling: Radford et al., "Learning Transferable Visual Models
    From Natural Language Supervision", 2021, section 3.1.4). Each string of `none_of_these` is a
    class of its own. The class vectors are computed here, once.
    """

    def __init__(self, clip: Clip, groups: Sequence[PromptGroup]) -> None:
        self._clip = clip
        self._groups = groups
        self._classes = [_class_vectors(clip, group) for group in groups]

    def recognise(self, images: torch.Tensor) -> list[set[int]]:
        """The columns recognised in each image, of n unit vectors (n, d).

        A name is recognised where its probability, rounded to 5 decimals, is at least the group's
        threshold. Raises ValueError where a probability is not finite.
        """
        found: list[set[int]] = [set() for _ in range(len(images))]
        for group, classes in zip(self._groups, self._classes, strict=True):
            logits = self._clip.logit_scale * images @ classes.T
            probabilities = torch.softmax(logits.double(), dim=1).cpu().numpy()
            rounded = _rounded(probabilities[:, : len(group.columns)])
            for image, name in np.argwhere(rounded >= group.settings.threshold):
                found[image].add(group.columns[name])
        return found


class Vision:
    """The model's part in labelling: decoding for it, its tokens, and what it sees in a batch."""

    def __init__(self, config: Config, model: Model) -> None:
        clip = Clip(model)
        self.threads = model.decode_threads
        self.side = clip.side
        self.device: str = clip.device.type
        self.tokens = clip.tokens
        self.decode = Decoder(clip.shape, clip.side, config.input.limits.max_pixels).decode
        self._clip = clip
        self._most = model.batch_size
        self._scores_similarity = config.scores_similarity
        self._recogniser = Recogniser(clip, prompt_groups(config))

    def see(self, candidates: Sequence[Candidate]) -> list[Sight]:
        """What the model sees in each candidate; raises what it raises on any of them.

        Where the device has no memory for so many at once it is asked for half as many, from then
        on; FairshardError where there is none for one.
        """
        sights: list[Sight] = []
        while len(sights) < len(candidates):
            batch = candidates[len(sights) :][: self._most]
            try:
                sights += self._see(batch)
                continue
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise FairshardError(
                        f"the {self.device} has no memory for one sample: give the model a larger "
                        "device, or run fewer workers on it"
                    ) from error
            self._halve(len(batch))
        return sights

    def works(self) -> bool:
        """Whether the model sees anything at all: a grey picture without a caption."""
        grey = self._clip.shape(Image.new("RGB", (self.side, self.side), (127, 127, 127)))
        probe = Candidate("", 0, 0, set(), 1.0, np.asarray(grey), self.tokens(""))
        try:
            self._see([probe])
        except Exception:
            return False
        return True

    def _halve(self, tried: int) -> None:
        """Go on with half of the samples `tried` at once, once the memory of these is free."""
        self._most = (tried + 1) // 2
        if self.device == "cuda":
            torch.cuda.empty_cache()
        LOGGER.warning(
            "the %s has no memory for %d samples at once: going on with %d; lower model.batch_size",
            self.device,
            tried,
            self._most,
        )

    def _see(self, candidates: Sequence[Candidate]) -> list[Sight]:
        images = self._clip.encode_images([one.pixels for one in candidates])
        columns = self._recogniser.recognise(images)
        if not self._scores_similarity:
            return [Sight(frozenset(found)) for found in columns]
        captions = self._clip.encode_tokens([one.tokens for one in candidates])
        scores = similarities(images, captions)
        return [
            Sight(frozenset(found), score) for found, score in zip(columns, scores, strict=True)
        ]


def prompt_groups(config: Config) -> list[PromptGroup]:
    """The groups of `config` that have prompts, in the order of their columns."""
    columns: dict[tuple[str, str], list[int]] = {}
    specs = recognitions(config)
    entries = schema_of(config).recognised
    for column, entry in enumerate(entries):
        if specs[column].prompts:
            columns.setdefault((entry.kind, entry.group), []).append(column)
    return [
        PromptGroup(
            columns=tuple(members),
            prompts=tuple(specs[column].prompts for column in members),
            settings=zero_shot_of(config, entries[members[0]]),
        )
        for members in columns.values()
    ]


def similarities(images: torch.Tensor, captions: torch.Tensor) -> list[float]:
    """The cosines of n image and caption unit vectors (n, d), rounded to 5 decimals.

    Raises ValueError where one is not finite.
    """
    cosines: NDArray[np.float64] = (images * captions).sum(dim=1).double().cpu().numpy()
    return [float(cosine) for cosine in _rounded(cosines)]


def _rounded(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(scores).all():
        raise ValueError("the model gives a score that is not finite")
    return scores.round(_DECIMALS)


def _class_vectors(clip: Clip, group: PromptGroup) -> torch.Tensor:
    """Unit vectors (names + alternatives, d)."""
    classes = [*group.prompts, *((text,) for text in group.settings.none_of_these)]
    return torch.cat(
        [_class_vector(clip, prompts, group.settings.templates) for prompts in classes]
    )


def _class_vector(clip: Clip, prompts: Sequence[str], templates: Sequence[str]) -> torch.Tensor:
    texts = [template.replace("{}", prompt) for prompt in prompts for template in templates]
    vectors = clip.encode_tokens([clip.tokens(text) for text in texts])
    return normalize(vectors.mean(dim=0, keepdim=True), dim=-1)
