"""Croissant: valid by mlcroissant, with what shards hold, where they are from and their figures."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlcroissant
import pytest

from jobs.session.summary import summarise
from tests.commands import run
from tests.exported import manifest, tars
from transforms.exports.formats.croissant import metadata
from transforms.outcome.artefacts import read_artefacts
from transforms.storage.files import Storage

OURS_TO_SAY = ("citeAs", "datePublished", "license", "version")


def exported(storage: Storage) -> Path:
    assert run("export", storage.url, "croissant") == 0
    return Path(storage.url, "croissant.json")


def test_mlcroissant_finds_nothing_wrong(storage: Storage) -> None:
    found = mlcroissant.Dataset(jsonld=str(exported(storage))).metadata
    assert not found.ctx.issues.errors
    assert found.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    for warning in found.ctx.issues.warnings:
        assert any(name in warning for name in OURS_TO_SAY), warning


def test_each_shard_is_there_with_its_digest(storage: Storage) -> None:
    found = mlcroissant.Dataset(jsonld=str(exported(storage))).metadata.distribution
    by_name = {file.id: file for file in found}
    for shard in manifest(storage).shards:
        content = Path(storage.url, by_name[shard.name].content_url).read_bytes()
        assert by_name[shard.name].sha256 == hashlib.sha256(content).hexdigest()
        assert by_name[shard.name].content_size == f"{len(content)} B"
    assert len(found) == len(tars(storage)) + 1
    content = Path(storage.url, by_name["manifest.json"].content_url).read_bytes()
    assert by_name["manifest.json"].sha256 == hashlib.sha256(content).hexdigest()


def test_biases_are_figures(storage: Storage) -> None:
    found = mlcroissant.Dataset(jsonld=str(exported(storage))).metadata
    for row in summarise(storage)["bias"].values():
        (line,) = [line for line in found.data_biases if line.startswith(row["title"])]
        assert f", {row['after']:.4f} after ({row['worst']})" in line
    shares = [line for line in found.data_biases if line.startswith("Share of people.woman: ")]
    assert len(shares) == 1 and "samples that show any people" in shares[0]
    assert any("nobody's identity" in line for line in found.data_limitations)
    assert found.machine_annotation_tools[0].startswith("fairshard, field: ")


def test_it_is_derived_from_its_input(storage: Storage, finished: Path) -> None:
    document = json.loads(exported(storage).read_bytes())
    (source,) = document["prov:wasDerivedFrom"]
    assert source["prov:label"] == f"{finished}/in/*.tar*"
    assert document["@context"]["prov"] == "http://www.w3.org/ns/prov#"


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a b/{00000..00009}.tar",
        'C:\\a"<b>^`|.tar',
        "https://user:hunter2@host/[x].tar?sig=hunter2#y",
        "/ü/\u202e\x1b\ud800.tar",
    ],
)
def test_any_input_gives_valid_json_ld(url: str, storage: Storage, tmp_path: Path) -> None:
    artefacts = read_artefacts(storage)
    read = artefacts.config.input.model_copy(update={"shards": (url,)})
    config = artefacts.config.model_copy(update={"input": read})
    document: dict[str, Any] = metadata(replace(artefacts, config=config), 'a "name"\n\ud800')
    file = tmp_path / "croissant.json"
    file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    assert not mlcroissant.Dataset(jsonld=str(file)).metadata.ctx.issues.errors
    assert "hunter2" not in file.read_text(encoding="utf-8")


def test_elsewhere_it_names_whole_paths(storage: Storage, tmp_path: Path) -> None:
    assert run("export", storage.url, "croissant", "--to", tmp_path / "else") == 0
    file = tmp_path / "else" / "croissant.json"
    urls = [entry["contentUrl"] for entry in json.loads(file.read_bytes())["distribution"]]
    assert urls == [*tars(storage), storage.path("manifest.json")]
    assert not mlcroissant.Dataset(jsonld=str(file)).metadata.ctx.issues.errors
