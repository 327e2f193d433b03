"""The pairs (distinct s, label) that occur in a corpus, through which patterns meet prices."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pairs:
    """J pairs, in order of group, then label; label c is the intercept, which every group has.

    group and label are int64 (J,); occurs is 0/1, (P, J): which pairs a pattern has.
    """

    group: NDArray[np.int64]
    label: NDArray[np.int64]
    occurs: sp.csr_array

    @classmethod
    def of(cls, group: NDArray[np.int64], y: sp.csr_array) -> Self:
        """The pairs of P patterns with their groups, int64 (P,), and 0/1 labels (P, c)."""
        columns = y.shape[1] + 1
        keys = np.insert(
            np.repeat(group, np.diff(y.indptr)) * columns + y.indices,
            y.indptr[1:],
            group * columns + columns - 1,
        )
        found = pa.array(keys).dictionary_encode()
        pairs = found.dictionary.to_numpy()
        order = np.argsort(pairs)
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        starts = (y.indptr + np.arange(len(y.indptr))).astype(np.int32)
        occurs = sp.csr_array(
            (np.ones(len(keys)), place[found.indices.to_numpy()], starts), (len(group), len(pairs))
        )
        of_group, of_label = np.divmod(pairs[order], columns)
        return cls(of_group, of_label, occurs)
