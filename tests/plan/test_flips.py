"""Samples that get one copy more or fewer: their file, and what they change."""

import numpy as np
import pyarrow as pa
import pytest

from transforms.base.errors import FairshardError
from transforms.plan.flips import Flips, publish_flips, read_flips
from transforms.resampling.sampling import flipped
from transforms.storage import paths
from transforms.storage.files import Storage

FLIPS = Flips({"b.tar": np.array([3, 7]), "a.tar": np.array([0]), "none.tar": np.array([], int)})


def test_flips_are_read_as_they_were_written(tmp_path):
    storage = Storage(str(tmp_path))

    found = read_flips(publish_flips(FLIPS, storage), storage)

    assert len(found) == 3
    assert {name: rows.tolist() for name, rows in found.rows.items()} == {
        "a.tar": [0],
        "b.tar": [3, 7],
    }
    assert found.of("c.tar").tolist() == []


def test_no_flips_leave_no_file(tmp_path):
    storage = Storage(str(tmp_path))
    publish_flips(FLIPS, storage)

    assert publish_flips(Flips(), storage) is None

    assert not storage.exists(paths.FLIPS)
    assert len(read_flips(None, storage)) == 0


def test_other_flips_than_the_plan_vouches_for_are_refused(tmp_path):
    storage = Storage(str(tmp_path))
    vouched = publish_flips(FLIPS, storage)
    publish_flips(Flips({"a.tar": np.array([1])}), storage)

    with pytest.raises(FairshardError, match="run `fairshard solve` again"):
        read_flips(vouched, storage)


def test_rows_in_another_form_are_no_flips():
    with pytest.raises(ValueError, match="other columns"):
        Flips.from_table(pa.table({"shard": ["a.tar"], "row": [1.0]}))


def test_a_flip_is_between_the_whole_numbers_around_the_weight():
    weights = np.array([0.25, 0.25, 1.5, 2.0, 0.0])
    copies = np.array([0, 1, 2, 2, 0])

    assert flipped(copies, weights, np.arange(5)).tolist() == [1, 0, 1, 2, 0]
    assert flipped(copies, weights, np.array([2])).tolist() == [0, 1, 1, 2, 0]
