"""Which changes make tables be joined again, and which make shards be read again."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.joined import told_by, write_told_corpus
from transforms.base.differences import differing
from transforms.config.sections import Config
from transforms.labels.settings import settings_by_key, settings_digest
from transforms.recognition import settings as recognition


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A small corpus and its tables."""
    write_told_corpus(tmp_path, samples=20, shards=2)
    return tmp_path


def changed(config: Config, change: Callable[[dict[str, Any]], None]) -> Config:
    """The configuration after a change of its values."""
    values = config.model_dump(mode="json")
    change(values)
    return Config.model_validate(values)


def test_without_tables_labels_depend_on_what_is_recognised_alone(corpus: Path) -> None:
    config = told_by(corpus, "json", "out")
    assert settings_digest(config) == recognition.settings_digest(config)
    assert settings_by_key(config) == recognition.settings_by_key(config)


def _condition(values: dict[str, Any]) -> None:
    values["attributes"]["gender"]["names"]["woman"]["column"]["at_least"] = 0.5


def _another_name(values: dict[str, Any]) -> None:
    column = {"table": "scores", "name": "p_tie", "at_least": 0.1}
    values["labels"]["thing"]["names"]["maybe a tie"] = {"column": column}


def _missing(values: dict[str, Any]) -> None:
    values["tables"]["scores"]["missing"] = "reject"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (_condition, "attributes.gender.names.woman.column.at_least"),
        (_another_name, "labels.thing.names.maybe a tie"),
        (_missing, "tables.scores.missing"),
    ],
)
def test_what_tables_are_asked_changes_labels_and_not_what_is_recognised(
    corpus: Path, change: Callable[[dict[str, Any]], None], key: str
) -> None:
    before = told_by(corpus, "uid", "out")
    after = changed(before, change)
    assert settings_digest(after) != settings_digest(before)
    assert recognition.settings_digest(after) == recognition.settings_digest(before)
    assert key in differing(settings_by_key(before), settings_by_key(after))


def test_a_file_of_another_time_changes_labels_and_not_what_is_recognised(corpus: Path) -> None:
    config = told_by(corpus, "uid", "out")
    before, recognised = settings_digest(config), recognition.settings_digest(config)
    keys = settings_by_key(config)
    os.utime(corpus / "by_uid/part-0.parquet", (1, 1))
    assert settings_digest(config) != before
    assert recognition.settings_digest(config) == recognised
    assert differing(keys, settings_by_key(config)) == ["tables.scores.files"]


def test_a_field_that_is_joined_by_is_recognised(corpus: Path) -> None:
    def by_key(values: dict[str, Any]) -> None:
        values["tables"]["scores"]["key"] = "uid"

    before = told_by(corpus, "uid", "out")
    after = changed(before, by_key)
    assert recognition.settings_digest(after) != recognition.settings_digest(before)


def test_options_of_a_storage_change_nothing(corpus: Path) -> None:
    def options(values: dict[str, Any]) -> None:
        values["tables"]["scores"]["storage_options"] = {"auto_mkdir": True}

    before = told_by(corpus, "uid", "out")
    assert settings_digest(changed(before, options)) == settings_digest(before)
