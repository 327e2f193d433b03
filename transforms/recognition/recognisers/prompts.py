"""`prompts`: zero-shot, against the other names of the group and its alternatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from transforms.config.forms import Words
from transforms.config.groups import Group
from transforms.config.recognisers import RECOGNISERS
from transforms.config.sections import Config
from transforms.recognition.kinds import ImageRecogniser, Pictures

if TYPE_CHECKING:
    from transforms.recognition.clip import Clip

Prompts = tuple[str, ...]


def _check(prompts: Mapping[str, Prompts], group: Group) -> None:
    if len(prompts) == 1 and not group.zero_shot.none_of_these:
        raise ValueError(
            "zero-shot needs an alternative: give prompts to a second name, "
            "or zero_shot.none_of_these"
        )


def _build(
    prompts: Mapping[int, Prompts], config: Config, clip: Clip
) -> Callable[[Pictures], list[set[int]]]:
    # torch takes seconds to import
    from transforms.recognition.zeroshot import ZeroShotClassifier, prompt_groups

    classifier = ZeroShotClassifier(clip, prompt_groups(prompts, config))
    return lambda pictures: classifier.recognise(pictures.vectors)


RECOGNISERS.register(
    ImageRecogniser(
        name="prompts",
        about="prompts that fit the picture better than those of other names, zero-shot",
        form=Words,
        unset=(),
        original=True,
        check=_check,
        marks=iter,
        build=_build,
    )
)
