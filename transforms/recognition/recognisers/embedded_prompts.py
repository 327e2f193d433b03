"""`prompts` of a group whose zero-shot names embeddings: asked of these, and of no image."""

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config.conditions import Condition
from transforms.config.embeddings import rows_name
from transforms.config.forms import Words
from transforms.config.groups import EMBEDDED_PROMPTS, PROMPTS, Group
from transforms.config.recognisers import RECOGNISERS
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.conditions import Predicate
from transforms.recognition.kinds import EmbeddingRecogniser
from transforms.recognition.settings import zero_shot_of

Joined = Mapping[tuple[str, str], pa.ListArray]
Prompts = tuple[str, ...]


def _check(prompts: Mapping[str, Prompts], group: Group) -> None:
    if group.zero_shot.embeddings is None:
        raise ValueError(
            f"{EMBEDDED_PROMPTS} are {PROMPTS} that are asked of embeddings: write {PROMPTS}, and "
            "which embeddings as zero_shot.embeddings"
        )
    RECOGNISERS[PROMPTS].check(prompts, group)


def _build(
    prompts: Mapping[int, Prompts], config: Config
) -> Callable[[Joined], Mapping[int, NDArray[np.bool_]]]:
    entries, found = schema_of(config).recognised, Predicate(Condition(values=(True,)))
    places = {
        column: (
            rows_name(zero_shot_of(config, entries[column]).embeddings),
            entries[column].column,
        )
        for column in prompts
    }
    return lambda joined: {column: found.mask(joined[place]) for column, place in places.items()}


RECOGNISERS.register(
    EmbeddingRecogniser(
        name=EMBEDDED_PROMPTS,
        about="`prompts` are this where a group's zero-shot names embeddings: no image is seen",
        form=Words,
        unset=(),
        written_as=PROMPTS,
        check=_check,
        marks=iter,
        build=_build,
    )
)
