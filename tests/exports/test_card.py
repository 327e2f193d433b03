"""The dataset card: read by the Hub's library and by `datasets`, and safe to show."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from jobs.session.summary import summarise
from tests.commands import run
from tests.exported import EASY, PEOPLE, manifest, output
from transforms.calibration.log_odds import LogOdds
from transforms.exports.formats.card import card, size_category
from transforms.exports.statements import limits
from transforms.outcome.artefacts import read_artefacts
from transforms.storage.files import Storage

HOSTILE = "/in/a|b [x](https://evil.example) <script>alert(1)</script>`\n---\u202e/*.tar"


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))


def test_datasets_loads_the_folder_by_its_card(storage: Storage, tmp_path: Path) -> None:
    for name in ("sizes", "wids", "energon", "croissant", "card"):
        assert run("export", storage.url, name) == 0
    samples = load_dataset(storage.url, split="train", cache_dir=str(tmp_path / "cache"))
    assert len(samples) == manifest(storage).totals.written
    assert {"jpg", "txt", "json", "__key__"} <= set(samples.column_names)


def test_outputs_of_one_name_are_told_apart_in_the_cache_of_datasets(
    storage: Storage, tmp_path: Path
) -> None:
    other = output(tmp_path / "other", balance={**EASY, "eta": 0.4})
    for one in (storage, other):
        assert run("export", one.url, "card") == 0
        samples = load_dataset(one.url, split="train", cache_dir=str(tmp_path / "cache"))
        assert len(samples) == manifest(one).totals.written


def test_the_front_matter_is_the_hubs(storage: Storage) -> None:
    assert run("export", storage.url, "card") == 0
    found = DatasetCard.load(Path(storage.url, "README.md")).data
    assert found.pretty_name == "out"
    assert found.size_categories == ["n<1K"]
    assert found.license is None
    assert found.to_dict()["configs"] == [
        {"config_name": "default", "data_files": [{"split": "train", "path": "shards/*.tar"}]}
    ]


def test_it_says_what_was_asked_and_found(storage: Storage) -> None:
    assert run("export", storage.url, "card") == 0
    said = summarise(storage)
    text = Path(storage.url, "README.md").read_text()
    totals = manifest(storage).totals
    assert f"Of 120 samples, {totals.kept} were kept, {totals.dropped} dropped, and 0" in text
    assert "| people.woman | 0.5 | samples that show any people |" in text
    assert "representation bias at most 0.02, association bias at most 0.08" in text
    for row in said["bias"].values():
        assert f"| {row['before']:.4f} ± {row['before_error']:.4f}" in text
        assert f"| {row['after']:.4f} |" in text
    assert "nobody's identity" in text
    assert "any of the group people: its targets are shares of these alone." in text
    assert "What is not met" not in text


def test_it_says_what_is_not_met(tmp_path: Path) -> None:
    wanted = {"eta": 0.95, "max_representation_bias": 0.01, "max_association_bias": None}
    storage = output(tmp_path, balance=wanted)
    text = card(read_artefacts(storage), "x")
    assert "## What is not met\n\n" in text
    assert "not met: not all can be at eta = 0.95" in text
    assert "- share of people.woman, from below\n" in text


def test_it_says_whether_recognisers_were_checked(storage: Storage) -> None:
    artefacts = read_artefacts(storage)
    checked = replace(
        artefacts,
        plan=replace(artefacts.plan, odds=LogOdds(np.ones(2, np.bool_), np.zeros((2, 2, 5)))),
    )
    unmeasured, measured = "how often they do was not measured", "as far as hand-checked samples"
    assert unmeasured in " ".join(limits(artefacts)) and measured in " ".join(limits(checked))
    assert unmeasured not in " ".join(limits(checked))


def test_it_says_how_large_shares_may_be(tmp_path: Path) -> None:
    names = {**PEOPLE["people"]["names"], "man": {"lexicon": ["man"], "at_most": 0.4}}
    attributes = {"people": {"names": names}}
    storage = output(tmp_path, attributes=attributes)
    text = card(read_artefacts(storage), "x")
    assert "| Share of people.man | 0.5000 | " in text and "| at most 0.4 | met |" in text


def test_strangers_texts_are_shown_and_no_more(storage: Storage) -> None:
    artefacts = read_artefacts(storage)
    read = artefacts.config.input.model_copy(update={"shards": (HOSTILE,)})
    config = artefacts.config.model_copy(update={"input": read})
    text = card(replace(artefacts, config=config), "name: [x]\n---\n<b>")
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    assert DatasetCard(text).data.pretty_name == "name: [x]\n---\n<b>"
    assert "configs:" in front
    page = MarkdownIt("commonmark").enable("table").render(body)
    assert "<script" not in page and "<b>" not in page and "\u202e" not in page
    assert page.count("<a ") == page.count('<a href="https://arxiv.org/abs/2403.04547"') == 1


def test_secrets_of_the_input_are_not_in_it(storage: Storage) -> None:
    artefacts = read_artefacts(storage)
    url = "https://user:hunter2@host/{0..9}.tar?sig=hunter2"
    read = artefacts.config.input.model_copy(update={"shards": (url,)})
    config = artefacts.config.model_copy(update={"input": read})
    text = card(replace(artefacts, config=config), "x")
    assert "hunter2" not in text and "host/{0..9}.tar" in text


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (123_456, "100K<n<1M"),
        (10**9, "1B<n<10B"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_sizes_are_said_as_on_the_hub(samples: int, said: str) -> None:
    assert size_category(samples) == said
