"""Prompts that are asked of embeddings: what they are to samples, and to joined rows."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from tests.embedded import NAME, embedded_config
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.kinds import TableRecogniser, built
from transforms.recognition.settings import members_of, settings_digest


def _config(combine: str = "any", **more: Any) -> Config:
    names = {name: {"target": 0.5, "prompts": [name], "lexicon": [name]} for name in ("fox", "owl")}
    zero_shot = {"threshold": 0.5, **more}
    attributes = {"figure": {"combine": combine, "zero_shot": zero_shot, "names": names}}
    return embedded_config(Path("/"), {"url": "0.npy"}, attributes=attributes, labels={})


def test_what_is_recognised_in_samples_hangs_on_nothing_that_embeddings_are_asked() -> None:
    config, other = _config(), _config(threshold=0.6, none_of_these=["a car"])
    assert settings_digest(config) == settings_digest(other)
    assert members_of(config).image == ()
    assert members_of(config).caption == ("txt",)


def test_each_source_has_a_column_of_its_own_where_they_are_apart() -> None:
    columns = [entry.column for entry in schema_of(_config("apart")).recognised]
    assert columns == [
        f"s.figure.{name}@{source}"
        for name in ("fox", "owl")
        for source in ("caption", "embedding")
    ]


def test_a_name_is_true_where_any_row_of_the_sample_says_so() -> None:
    [recognise] = built(_config(), TableRecogniser).values()
    fox = pa.array([[True], [False], [False, True], [], None], pa.list_(pa.bool_()))
    owl = pa.array([[False], [True], [], [], None], pa.list_(pa.bool_()))
    joined = {
        ("embeddings.clip", "s.figure.fox"): fox,
        ("embeddings.clip", "s.figure.owl"): owl,
    }
    flags = {number: found.tolist() for number, found in recognise(joined).items()}
    assert flags == {
        0: [True, False, True, False, False],
        1: [False, True, False, False, False],
    }


def test_groups_may_ask_different_embeddings() -> None:
    model = {"name": NAME}
    embeddings = {name: {"url": f"{name}.npy", "model": model} for name in ("clip", "other")}
    attributes = {
        name: {
            "zero_shot": {"embeddings": name, "none_of_these": ["a car"]},
            "names": {"fox": {"target": 0.5, "prompts": "a fox"}},
        }
        for name in embeddings
    }
    values = {"embeddings": embeddings, "attributes": attributes, "labels": {}}
    [recognise] = built(embedded_config(Path("/"), {}, **values), TableRecogniser).values()
    true, false = ([[value]] for value in (True, False))
    joined = {
        ("embeddings.clip", "s.clip.fox"): pa.array(true),
        ("embeddings.other", "s.other.fox"): pa.array(false),
    }
    assert {number: found.tolist() for number, found in recognise(joined).items()} == {
        0: [True],
        1: [False],
    }
