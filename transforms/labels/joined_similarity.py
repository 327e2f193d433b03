"""Similarities that embeddings give, of the samples that they are joined to."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.config.embeddings import rows_name
from transforms.config.schema import SIMILARITY
from transforms.config.sections import Config


class JoinedSimilarity:
    """The similarities of a configuration's embeddings, and utilities by them."""

    def __init__(self, config: Config) -> None:
        self._table = None if config.similarity_from is None else rows_name(config.similarity_from)
        self._is_utility = config.utility.score == "similarity"

    def columns(self, samples: pa.Table, joined: Mapping[str, pa.Table]) -> dict[str, pa.Array]:
        """The columns that they make of samples: the first of a sample's, 0 where it has none."""
        if self._table is None:
            return {}
        scores = np.nan_to_num(self._scores(joined))
        columns = {SIMILARITY: pa.array(scores.astype(np.float32))}
        if self._is_utility:
            given = samples.column("utility").to_numpy()
            columns["utility"] = pa.array(given * np.maximum(scores, 0))
        return columns

    def lacking(self, joined: Mapping[str, pa.Table]) -> tuple[str, NDArray[np.bool_]] | None:
        """Which samples have none, and the table; None where none is wanted."""
        return None if self._table is None else (self._table, np.isnan(self._scores(joined)))

    def _scores(self, joined: Mapping[str, pa.Table]) -> NDArray[np.float64]:
        return first_numbers(joined[self._table or ""].column(SIMILARITY).combine_chunks())


def first_numbers(lists: pa.ListArray) -> NDArray[np.float64]:
    """The first number of each list, NaN where it has none."""
    values, rows = lists.flatten(), pc.list_parent_indices(lists).to_numpy()
    told = np.asarray(values.is_valid())
    samples, first = np.unique(rows[told], return_index=True)
    numbers = np.full(len(lists), np.nan)
    numbers[samples] = values.to_numpy(zero_copy_only=False)[told][first]
    return numbers
