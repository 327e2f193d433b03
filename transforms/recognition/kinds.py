"""The kinds of recognisers, by the part of a sample that they look at, and how each is built.

A recogniser is built once per process from the settings of all columns that use it, {column:
settings}, and gives the columns that are true of a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.base.errors import FairshardError, reason_of
from transforms.config.recognisers import RECOGNISERS, Recogniser, Source
from transforms.config.sections import Config
from transforms.recognition.settings import recognitions

if TYPE_CHECKING:
    import torch

    from transforms.recognition.clip import Clip

Columns = AbstractSet[int]
Settings = Mapping[int, Any]


@dataclass(frozen=True)
class Pictures:
    """A batch of n pictures, as the configuration's model is given them and as it sees them.

    pixels: (height, width, 3) each, 0 to 255. vectors: unit vectors (n, d).
    """

    pixels: Sequence[NDArray[np.uint8]]
    vectors: torch.Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class CaptionRecogniser(Recogniser):
    """Recognises names in a sample's caption."""

    source: ClassVar[Source] = "caption"
    build: Callable[[Settings, Config], Callable[[str], Columns]]


@dataclass(frozen=True, kw_only=True, eq=False)
class MetadataRecogniser(Recogniser):
    """Recognises names in a sample's metadata, a JSON object."""

    source: ClassVar[Source] = "metadata"
    build: Callable[[Settings, Config], Callable[[Mapping[str, Any]], Columns]]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageRecogniser(Recogniser):
    """Recognises names in pictures, batch by batch; it is given the configuration's model.

    What it builds holds whatever other model it needs.
    """

    source: ClassVar[Source] = "image"
    build: Callable[[Settings, Config, Clip], Callable[[Pictures], Sequence[Columns]]]


@dataclass(frozen=True, kw_only=True, eq=False)
class TableRecogniser(Recogniser):
    """Recognises names in the rows of tables; these are joined once samples are labelled.

    What it builds is given the joined values by table and column, a list of them a sample, and
    gives the samples that are so: flags by the numbers of label columns.
    """

    source: ClassVar[Source] = "table"
    build: Callable[
        [Settings, Config],
        Callable[[Mapping[tuple[str, str], pa.ListArray]], Mapping[int, NDArray[np.bool_]]],
    ]


def built(config: Config, kind: type[Recogniser], *given: Any) -> dict[str, Any]:
    """What those recognisers of a kind that `config` uses are built to, by their names.

    Raises FairshardError where one cannot be built.
    """
    settings: dict[str, dict[int, Any]] = {}
    for column, of_column in enumerate(recognitions(config)):
        for key, value in of_column.items():
            settings.setdefault(key, {})[column] = value
    used = {key: RECOGNISERS[key] for key in settings}
    return {
        key: _built(entry, settings[key], config, *given)
        for key, entry in used.items()
        if isinstance(entry, kind)
    }


@contextmanager
def failing(name: str, known: type[Exception] = ValueError) -> Iterator[None]:
    """What the recogniser `name` raises in the block is said to be its own.

    A ValueError is what it says of a sample: that is left as it is, and so is what is `known`.
    """
    try:
        yield
    except (ValueError, known):
        raise
    except Exception as error:
        raise ValueError(f"the recogniser {name} fails on it: {reason_of(error)}") from error


def _built(entry: Recogniser, settings: Settings, *given: Any) -> Any:
    try:
        return entry.build(settings, *given)
    except FairshardError:
        raise
    except Exception as error:
        raise FairshardError(
            f"the recogniser {entry.name!r} of {RECOGNISERS.origin(entry.name)} fails on its "
            f"settings: {reason_of(error)}; correct what names have under {entry.name}"
        ) from error
