"""Daft loads what was written."""

import pytest

from tests.loaders.conftest import Written

pytestmark = pytest.mark.loaders


def test_daft_loads_them(written: Written) -> None:
    import daft

    frame = daft.read_webdataset(str(written.folder / "*.tar")).select("__key__", "txt", "jpg")
    rows = list(frame.iter_rows())
    assert len(rows) == len(written.samples)
    found = {}
    for row in rows:
        with row["jpg"].open() as image:
            found[row["__key__"]] = (row["txt"], image.read())
    assert found == written.samples
