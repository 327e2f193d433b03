"""The model's part in labelling: what it sees in pictures, and what recognisers make of it."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from transforms.base.errors import DeviceMemoryError
from transforms.base.logs import LOGGER
from transforms.config.sections import Config, Model
from transforms.recognition.candidates import Candidate, Sight
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.recognition.image_kinds import asked_for
from transforms.recognition.kinds import Columns, ImageRecogniser, Pictures, built, failing
from transforms.recognition.settings import unanimous
from transforms.recognition.votes import NO_VOTES, NOTHING, Votes
from transforms.recognition.zeroshot import rounded


class Vision:
    """The model's part in labelling: decoding for it, its tokens, and what it sees in a batch."""

    def __init__(self, config: Config, model: Model) -> None:
        clip = Clip(model)
        self.threads = model.decode_threads
        self.side = clip.side
        self.device: str = clip.device.type
        self.tokens = clip.tokens
        self.decode = Decoder(
            clip.shape,
            clip.side,
            config.input.limits.max_pixels,
            asked_for(config.input.members.image),
        ).decode
        self._clip = clip
        self._most = model.batch_size
        self._required = unanimous(config)
        self._scores_similarity = config.similarity_seen
        self._recognisers: dict[str, Callable[[Pictures], Sequence[Columns]]] = built(
            config, ImageRecogniser, clip
        )

    def see(self, candidates: Sequence[Candidate]) -> list[Sight]:
        """What the model sees in each candidate; raises what it raises on any of them.

        Where the device has no memory for so many at once it is asked for half as many, from then
        on; DeviceMemoryError where there is none for one.
        """
        sights: list[Sight] = []
        while len(sights) < len(candidates):
            batch = candidates[len(sights) :][: self._most]
            try:
                sights += self._see(batch)
                continue
            except torch.OutOfMemoryError as error:
                if len(batch) == 1:
                    raise DeviceMemoryError(
                        f"the {self.device} has no memory for one sample: give the model a larger "
                        "device, or run fewer workers on it"
                    ) from error
            self._halve(len(batch))
        return sights

    def works(self) -> bool:
        """Whether the model sees anything at all: a grey picture without a caption."""
        grey = self._clip.shape(Image.new("RGB", (self.side, self.side), (127, 127, 127)))
        probe = Candidate("", 0, 0, NO_VOTES, 1.0, grey, self.tokens(""))
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
        pictures = Pictures([one.pixels for one in candidates], images)
        votes = [NO_VOTES] * len(candidates)
        for name, recognise in self._recognisers.items():
            with failing(name, torch.OutOfMemoryError):
                found, required = recognise(pictures), self._required.get(name, NOTHING)
            votes = [
                given | Votes.of(columns, required)
                for given, columns in zip(votes, found, strict=True)
            ]
        if not self._scores_similarity:
            return [Sight(seen) for seen in votes]
        captions = self._clip.encode_tokens([one.tokens for one in candidates])
        scores = similarities(images, captions)
        return [Sight(seen, score) for seen, score in zip(votes, scores, strict=True)]


def similarities(images: torch.Tensor, captions: torch.Tensor) -> list[float]:
    """The cosines of n image and caption unit vectors (n, d), rounded to 5 decimals.

    Raises ValueError where one is not finite.
    """
    cosines: NDArray[np.float64] = (images * captions).sum(dim=1).double().cpu().numpy()
    return [float(cosine) for cosine in rounded(cosines)]
