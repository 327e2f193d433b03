"""`fairshard suggest` on a labelled corpus, by captions and by a metadata field."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from jobs.cli import main
from jobs.decide import suggest
from tests.fixtures import config_of, draw_truth, write_corpus
from transforms.base.errors import FairshardError
from transforms.config.files import parse_config
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.shards.finding import find_shards
from transforms.storage.files import output_storage

QUIET = Console(file=io.StringIO())


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=600, shards=3)
    labels = {"thing": {"field": "words", "names": ["laptop"]}}
    made = config_of(folder, labels=labels)
    for shard in find_shards(made.input):
        Labeller(made).label(shard, output_storage(made.output))
    return made


@pytest.fixture(scope="module")
def found(config: Config) -> dict[str, Any]:
    return suggest.run(config, suggest.CAPTIONS, 20, QUIET)


def test_planted_associations_are_found_and_counted_exactly(found: dict[str, Any]) -> None:
    truths = [truth.words for truth in draw_truth(600, 0)]
    women = [words for words in truths if "woman" in words]
    men = [words for words in truths if "man" in words]
    assert (found["samples"], found["unread"], found["counts_short_by"]) == (600, 0, 0)
    woman = found["attributes"][0]
    assert (woman["attribute"], woman["with"], woman["without"]) == (
        "gender.woman",
        len(women),
        len(men),
    )
    proxies = {proxy["candidate"]: proxy for proxy in woman["proxies"]}
    assert set(proxies) == {"doctor", "nurse", "tie"}
    for name, proxy in proxies.items():
        assert proxy["samples"] == sum(name in words for words in truths)
        assert proxy["share"] == pytest.approx(sum(name in words for words in women) / len(women))
        assert (proxy["AB"] > 0) == (name == "nurse")
    names = yaml.safe_load(found["snippet"])["labels"]["proxies"]["names"]
    assert set(names) == {"doctor", "nurse", "tie"}
    assert "helped representation and hurt association" in found["note"]


def test_a_metadata_field_gives_the_same_words(config: Config, found: dict[str, Any]) -> None:
    by_field = suggest.run(config, "words", 1, QUIET)
    first, again = (entry["attributes"][0]["proxies"] for entry in (by_field, found))
    assert len(first) == 1
    assert {**first[0], "q_value": 0} == {**again[0], "q_value": 0}
    assert "path: words" in by_field["snippet"]


def test_a_field_without_texts_is_an_error(config: Config) -> None:
    with pytest.raises(FairshardError, match="no metadata holds a text at nowhere: correct --from"):
        suggest.run(config, "nowhere", 5, QUIET)


def test_the_command_prints_what_can_be_pasted(
    config: Config,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "config.yaml"
    values = config.model_dump(mode="json")
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    monkeypatch.setattr(sys, "argv", ["fairshard", "suggest", str(path), "--top", "2"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "candidates from the captions of 600 samples" in said
    section = said[said.index("\nlabels:") :]
    del values["labels"]
    pasted = parse_config(yaml.safe_dump(values, sort_keys=False) + section, "pasted")
    assert "nurse" in pasted.labels["proxies"].names
