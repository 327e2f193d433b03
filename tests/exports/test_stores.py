"""Exports from and to object stores: the same bytes, and parts that are read by ranges."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.session.options import read_checked
from tests.commands import run
from tests.outputs import finished_output
from tests.servers import SERVERS, Store
from tests.uid_corpus import write_config, write_corpus
from transforms.exports import parts

FORMATS = ("weights", "datacomp", "energon-exclude")


@pytest.fixture(scope="module", params=SERVERS)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with SERVERS[request.param]() as running:
        yield running


@pytest.mark.parametrize("to", [None, "subsets"])
def test_an_output_in_a_bucket_is_exported_there(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch, to: str | None
) -> None:
    monkeypatch.setattr(parts, "_ROWS_OF_PART", 50)
    url = f"{store.url}/{to}-out"
    output: dict[str, Any] = {"url": url, "storage_options": store.options}
    write_corpus(tmp_path)
    path = write_config(tmp_path, output=output)
    finished_output(read_checked(path))
    for name in FORMATS:
        place = f"{to}/{name}" if to else f"{to}-out/exports/{name}"
        there = ["--to", f"{store.url}/{place}"] if to else []
        for target in (["--config", path, url], [path]):
            assert run("export", *target, name, *there) == 0
        store.fetch(place, tmp_path / name)
        assert run("export", path, name, "--to", tmp_path / "disk" / name) == 0
        assert files(tmp_path / name) == files(tmp_path / "disk" / name)
    assert store.unfinished() == 0
    assert yaml.safe_load((tmp_path / "energon-exclude/split.yaml").read_text())["exclude"]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
