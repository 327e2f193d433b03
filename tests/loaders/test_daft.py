"""Daft loads what was written."""

import pytest

from tests.loaders.conftest import Written

pytestmark = pytest.mark.loaders


def test_daft_loads_them(written: Written) -> None:
    """A shard at a time: of as many as there are cores, Daft 0.7.26 waits for itself."""
    import daft

    with daft.execution_config_ctx(scantask_max_parallel=1):
        frame = daft.read_webdataset(str(written.folder / "*.tar"))
        rows = frame.select("__key__", "txt", "jpg").to_pylist()
    assert len(rows) == len(written.samples)
    found = {}
    for row in rows:
        with row["jpg"].open() as image:
            found[row["__key__"]] = (row["txt"], image.read())
    assert found == written.samples
