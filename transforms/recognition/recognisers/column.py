"""`column`: conditions on a column of a table that is joined to the samples."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from transforms.config.conditions import Condition
from transforms.config.recognisers import RECOGNISERS
from transforms.recognition.conditions import Predicate
from transforms.recognition.kinds import TableRecogniser

Joined = Mapping[tuple[str, str], pa.ListArray]


class ColumnMatch(Condition):
    """A condition on the values that the rows of a sample have in a column of a table."""

    table: str = Field(min_length=1)
    name: str = Field(min_length=1)


def _marks(match: ColumnMatch) -> Iterator[str]:
    yield match.model_dump_json()


def _build(
    matches: Mapping[int, ColumnMatch], config: Any
) -> Callable[[Joined], Mapping[int, NDArray[np.bool_]]]:
    asked = {column: (match, Predicate(match)) for column, match in matches.items()}
    return lambda joined: {
        column: predicate.mask(joined[match.table, match.name])
        for column, (match, predicate) in asked.items()
    }


RECOGNISERS.register(
    TableRecogniser(
        name="column",
        about="a column of a table by its value: one of some, within bounds, matching a pattern",
        form=ColumnMatch,
        terms=lambda match: map(str, match.values),
        marks=_marks,
        build=_build,
    )
)
