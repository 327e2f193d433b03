"""`fairshard suggest --into`: the labels are in the configuration, and all that was there."""

import codecs
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from jobs.decide import adding
from tests import commands
from tests.fixtures import config_of, write_corpus
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.files import read_config
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.shards.finding import find_shards
from transforms.storage.files import output_storage

NAMES = {"nurse": {"lexicon": ["nurse"]}, "proxy-2": {"lexicon": ["café"]}}
TEXT = """# mine
input: {shards: "in/*.tar"}
attributes:
  gender:  # two
    names:
      woman: {target: 0.5, lexicon: [woman]}
      man:   {target: 0.5, lexicon: [man]}
labels:
  thing: {names: {laptop: {lexicon: [laptop]}}}  # one
  # more to come

balance: {eta: 0.5}  # half
output: {url: out}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a labelled corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=600, shards=3)
    (folder / "config.yaml").write_text(TEXT)
    config = read_config(folder / "config.yaml")
    for shard in find_shards(config.input):
        Labeller(config).label(shard, output_storage(config.output))
    return folder


def test_the_command_writes_them_in_and_says_so(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus / "config.yaml"
    assert commands.run("suggest", path, "--into", path, "--json") == 0
    into = json.loads(capsys.readouterr().out)["into"]
    assert into["group"] == "proxies"
    assert {"nurse", "doctor", "tie"} <= {*into["added"]}
    text, added = path.read_text(), read_config(path).labels["proxies"].names
    assert list(added) == into["added"]
    assert all(line in text.splitlines() for line in TEXT.splitlines())
    again = corpus / "again.yaml"
    again.write_text(TEXT)
    assert commands.run("suggest", again, "--into", again) == 0
    said = capsys.readouterr().out
    assert f"added to {again}, as the group proxies of labels: " in said
    assert f"next: fairshard rebalance {again}" in said
    assert "\nlabels:" not in said
    assert again.read_text() == text


def test_those_that_are_there_are_left_out(path: Path) -> None:
    first = adding.add_labels(path, NAMES)
    assert first == {
        "file": str(path),
        "group": "proxies",
        "added": ["nurse", "proxy-2"],
        "there_already": [],
    }
    text = path.read_text()
    more = {**NAMES, "tie": {"field": {"path": "objects", "values": ["tie"]}}}
    again = adding.add_labels(path, more)
    assert (again["group"], again["added"]) == ("more proxies", ["tie"])
    assert again["there_already"] == ["nurse", "proxy-2"]
    assert list(read_config(path).labels) == ["thing", "proxies", "more proxies"]
    text = path.read_text()
    assert adding.add_labels(path, more)["added"] == []
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
def test_the_encoding_and_the_permissions_stay(path: Path, mark: bytes, encoding: str) -> None:
    path.write_bytes(mark + TEXT.encode(encoding))
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    adding.add_labels(link, NAMES)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    written = path.read_bytes()
    assert written.startswith(mark)
    new = written.removeprefix(mark).decode(encoding)
    assert new.startswith(TEXT.partition("  # more")[0])
    assert new.endswith(TEXT.partition("  # more")[2])
    assert list(read_config(path).labels["proxies"].names) == ["nurse", "proxy-2"]
    assert {*path.parent.iterdir()} == {path, link}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (TEXT.replace("labels:\n", "labels: &all\n") + "x: 1\n", "x: unknown key"),
        (TEXT + "labels: {}\n", "`labels` is given twice, in lines 8 and 14; join them"),
        (TEXT.replace("laptop: {lexicon", "{lexicon"), "is not valid YAML|is wrong"),
    ],
)
def test_what_is_wrong_before_is_told_and_nothing_is_written(
    path: Path, text: str, said: str
) -> None:
    path.write_text(text)
    for act in (adding.check_takes_more, lambda given: adding.add_labels(given, NAMES)):
        with pytest.raises(ConfigError, match=said):
            act(path)
    assert path.read_text() == text


def test_no_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml cannot be read: No such file"):
        adding.check_takes_more(tmp_path / "none.yaml")


def test_a_file_that_may_not_be_written_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adding.os, "access", lambda *given: False)
    with pytest.raises(ConfigError, match=r"config\.yaml cannot be written: give a file of yours"):
        adding.check_takes_more(path)


def test_what_changes_meanwhile_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = adding.checked

    def edited(config: Config, origin: str) -> Config:
        path.write_text("# edited")
        return checked(config, origin)

    monkeypatch.setattr(adding, "checked", edited)
    with pytest.raises(FairshardError, match="was changed meanwhile and is left as it is"):
        adding.add_labels(path, NAMES)
    assert path.read_text() == "# edited"
    assert [*path.parent.iterdir()] == [path]


def test_a_disk_without_room_leaves_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adding.os, "fsync", full)
    with pytest.raises(FairshardError, match="left as it was: No space left on device"):
        adding.add_labels(path, NAMES)
    assert path.read_text() == TEXT
    assert [*path.parent.iterdir()] == [path]


def test_an_empty_section_of_labels_is_none(path: Path) -> None:
    head, _, tail = TEXT.partition("  thing:")
    path.write_text(head + "  # " + tail)
    assert read_config(path).labels == {}
    adding.add_labels(path, NAMES)
    found: Any = read_config(path).labels
    assert list(found) == ["proxies"]


def test_json_stays_json(tmp_path: Path) -> None:
    values = config_of(tmp_path, labels={}).model_dump(mode="json")
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values, indent=1))
    adding.add_labels(path, NAMES)
    assert list(json.loads(path.read_text())["labels"]["proxies"]["names"]) == list(NAMES)
