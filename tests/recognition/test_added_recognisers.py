"""Recognisers that are added: of each kind, in every command, and what is said where they fail."""

import json
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tests import commands
from tests.example_package.fairshard_example.longer_than import LONGER_THAN
from tests.fixtures import ATTRIBUTES, config_of, write_corpus
from tests.labelled import BY_IMAGE, FOX, OWL, Labelled, labelling_config, sample
from tests.outputs import finished_output
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.files import parse_config
from transforms.config.groups import Group
from transforms.config.observations import Observation
from transforms.config.recognisers import RECOGNISERS, Recogniser
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.proxies.ranking import configured
from transforms.recognition.kinds import (
    CaptionRecogniser,
    ImageRecogniser,
    MetadataRecogniser,
    Pictures,
)
from transforms.recognition.settings import members_of, settings_by_key, settings_digest

PICTURES = {"fox": FOX, "owl": OWL}
REST = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}\n"
Add = Callable[[Recogniser], Recogniser]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Registers a recogniser for one test."""
    monkeypatch.setattr(RECOGNISERS, "_entries", dict(RECOGNISERS._entries))
    monkeypatch.setattr(RECOGNISERS, "_origins", dict(RECOGNISERS._origins))
    return RECOGNISERS.register


def by_caption(build: Any = None, **more: Any) -> Recogniser:
    """A recogniser `said` of captions, whose settings are words."""
    return CaptionRecogniser(
        name="said",
        about="words in the caption",
        form=list[str],
        build=build
        or (
            lambda settings, config: (
                lambda caption: {
                    column
                    for column, words in settings.items()
                    if set(words) & set(caption.split())
                }
            )
        ),
        **more,
    )


def asking(spec: str, names: str = "") -> Config:
    """A configuration whose only attribute is `w`."""
    return parse_config(f"{REST}attributes: {{g: {{names: {{w: {spec}{names}}}}}}}", "c.yaml")


def test_one_of_the_metadata_is_given_it_parsed(tmp_path: Path, add: Add) -> None:
    def build(
        settings: Mapping[int, float], config: Config
    ) -> Callable[[Mapping[str, Any]], set[int]]:
        return lambda document: {
            column for column, least in settings.items() if document.get("width", 0) >= least
        }

    add(MetadataRecogniser(name="width", about="from a width on", form=float, build=build))
    names = {"wide": {"target": 0.5, "width": 9}, "very wide": {"target": 0.1, "width": 99.5}}
    config = labelling_config(tmp_path, {"size": {"names": names}}, model={})
    assert members_of(config).metadata
    assert not members_of(config).caption
    given = [sample("a", json={"width": 9}), sample("b", json={"width": 100}), sample("c", json={})]
    labelled = Labelled(tmp_path, config, [entry for each in given for entry in each])
    assert labelled.true("a") == {"s.size.wide"}
    assert labelled.true("b") == {"s.size.wide", "s.size.very wide"}
    assert labelled.true("c") == set()


def test_one_of_images_needs_the_model(add: Add) -> None:
    add(ImageRecogniser(name="bright", about="", form=float, build=lambda *given: list))
    with pytest.raises(ConfigError, match="bright, prompts and similarity need a model: give mod"):
        asking("{target: 0.5, bright: 1}")


@pytest.mark.parametrize("combine", ["any", "apart"])
def test_one_of_images_is_given_batches_beside_zero_shot(
    tmp_path: Path, add: Add, combine: str
) -> None:
    seen: list[int] = []

    def build(
        settings: Mapping[int, float], config: Config, clip: Any
    ) -> Callable[[Pictures], list[set[int]]]:
        def recognise(pictures: Pictures) -> list[set[int]]:
            assert pictures.vectors.shape[0] == len(pictures.pixels)
            assert pictures.pixels[0].shape == (clip.side, clip.side, 3)
            seen.append(len(pictures.pixels))
            means = [float(np.mean(pixels)) for pixels in pictures.pixels]
            return [{c for c, least in settings.items() if mean >= least} for mean in means]

        return recognise

    add(ImageRecogniser(name="bright", about="bright pictures", form=float, build=build))
    bright = {
        key: float(np.mean(Image.open(BytesIO(picture)))) for key, picture in PICTURES.items()
    }
    day = {"bright": (bright["fox"] + bright["owl"]) / 2, "lexicon": "day"}
    light = {"light": {"combine": combine, "names": {"day": day}}}
    config = labelling_config(tmp_path, BY_IMAGE, labels=light, model={"device": "cpu"})
    captions = {"fox": "a fox", "owl": "an owl by day"}
    entries = [sample(key, jpg=picture, txt=captions[key]) for key, picture in PICTURES.items()]
    labelled = Labelled(tmp_path, config, [entry for each in entries for entry in each])
    assert seen == [2]
    brightest = max(bright, key=lambda key: bright[key])
    for key in PICTURES:
        sources = ["caption"] * (key == "owl") + ["image"] * (key == brightest)
        day = {f"y.light.day@{source}" for source in sources}
        if combine == "any":
            day = {"y.light.day"} if sources else set()
        assert labelled.true(key) == {f"s.figure.{key}"} | day


def test_every_command_takes_one(
    tmp_path: Path, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(LONGER_THAN)
    write_corpus(tmp_path, samples=120, shards=2)
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ATTRIBUTES}
    names["man"]["longer_than"] = 9
    config = config_of(
        tmp_path,
        attributes={"gender": {"combine": "apart", "names": names}},
        labels={"caption": {"names": {"wordy": {"longer_than": 5}}}},
        balance={"eta": 0.5, "max_association_bias": 0.3},
    )
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    assert parse_config(path.read_text(), "again") == config
    for command in ("check", "doctor", "preview"):
        assert commands.run(command, path) == 0
    storage = finished_output(config)
    for words in (
        ("rebalance", path, "--dry-run"),
        ("gate", "labels", path),
        ("report", storage.url),
        ("summary", path),
        ("suggest", path),
        ("frontier", path),
        ("verify", storage.url, "--config", path),
    ):
        capsys.readouterr()
        assert commands.run(*words) == 0, (words, capsys.readouterr())
    plan = json.loads(storage.read("plan/plan.json"))
    assert plan["config"]["labels"]["caption"]["names"]["wordy"]["longer_than"] == 5


def test_one_says_in_a_preview_what_it_notes(
    tmp_path: Path, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    def observe(settings: Mapping[str, int], captions: Sequence[str]) -> Iterable[Observation]:
        longest = max(len(caption.split()) for caption in captions)
        for name, least in settings.items():
            if longest <= least:
                row = {"name": name, "more than": least, "longest": longest}
                yield Observation("captions that are short", (row,), (f"{name} is never long",))

    add(replace(LONGER_THAN, observe=observe, marks=lambda least: [f"more than {least}"]))
    write_corpus(tmp_path, samples=40, shards=2)
    labels = {"caption": {"names": {"wordy": {"longer_than": 5}, "long": {"longer_than": 99}}}}
    config = config_of(tmp_path, labels={**labels, "again": labels["caption"]})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    assert commands.run("preview", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    hits = {one["name"]: one["by_source"] for one in found["names"]}
    assert 0 < hits["caption.wordy"]["caption"] < 40
    assert found["observations"][-1]["rows"][0]["longest"] < 99
    assert "caption.long is never long" in found["advice"]
    assert commands.run("check", path) == 0
    said = "caption.long, again.long are recognised by the same (longer_than more than 99)"
    assert said in capsys.readouterr().out


def test_one_that_fails_on_a_preview_is_named(
    tmp_path: Path, add: Add, capsys: pytest.CaptureFixture[str]
) -> None:
    add(replace(LONGER_THAN, observe=lambda settings, captions: 1 / 0))
    write_corpus(tmp_path, samples=4, shards=1)
    config = config_of(tmp_path, labels={"caption": {"names": {"wordy": {"longer_than": 5}}}})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))
    assert commands.run("preview", path) == 1
    said = "the recogniser 'longer_than' of fairshard fails on what a preview reads: division by"
    assert said in capsys.readouterr().err


def test_a_configuration_travels(add: Add) -> None:
    add(by_caption())
    config = asking("{target: 0.5, said: [a, b]}")
    assert config.attributes["g"].names["w"].given() == {"said": ["a", "b"]}
    for again in (
        pickle.loads(pickle.dumps(config)),
        Config.model_validate_json(config.model_dump_json(round_trip=True)),
        Config.model_validate(config.model_dump()),
    ):
        assert again == config
        assert schema_of(again) == schema_of(config)


def test_labels_are_made_again_when_its_version_is_raised(add: Add) -> None:
    spec = "{target: 0.5, lexicon: w}"
    before = settings_digest(asking(spec))
    entry = add(by_caption(version=1))
    assert settings_digest(asking(spec)) == before
    first, by_key = (
        of(asking("{target: 0.5, said: [a]}")) for of in (settings_digest, settings_by_key)
    )
    assert by_key["recognisers"] == {"said": 1}
    object.__setattr__(entry, "version", 2)
    assert settings_digest(asking("{target: 0.5, said: [a]}")) != first
    assert settings_digest(asking(spec)) == before


def test_what_asks_for_nothing_is_not_given(add: Add) -> None:
    add(by_caption())
    config = asking("{target: 0.5, lexicon: w, said: null}")
    assert config.attributes["g"].names["w"].model_dump() == {
        "lexicon": ("w",),
        "prompts": (),
        "field": None,
        "target": 0.5,
    }
    with pytest.raises(ConfigError, match="give lexicon, said, prompts, field or column"):
        asking("{target: 0.5, said: null}")


def test_it_may_check_the_names_of_a_group(add: Add) -> None:
    def check(settings: Mapping[str, list[str]], group: Group) -> None:
        if len(settings) > 1:
            raise ValueError(f"only one may have said, not {' and '.join(settings)}")

    add(by_caption(check=check))
    asking("{target: 0.5, said: [a]}")
    with pytest.raises(ConfigError, match=r"attributes\.g: only one may have said, not w and v$"):
        asking("{target: 0.5, said: [a]}", ", v: {target: 0.5, said: [b]}")


def test_what_it_looks_for_is_no_candidate_for_a_proxy(add: Add) -> None:
    add(by_caption(terms=lambda words: words))
    assert configured(asking("{target: 0.5, said: [Tall]}")) == {"w", "tall"}


def test_a_sample_that_it_fails_on_is_rejected(tmp_path: Path, add: Add) -> None:
    def recognise(caption: str) -> set[int]:
        if caption == "many":
            raise ValueError("the caption is in no language")
        return {1 // len(caption)} - {0, 1}

    add(by_caption(lambda settings, config: recognise))
    config = labelling_config(tmp_path, {"g": {"names": {"w": {"target": 0.5, "said": ["a"]}}}})
    captions = {"a": "", "b": "many", "c": "few"}
    entries = [entry for key, text in captions.items() for entry in sample(key, txt=text)]
    labelled = Labelled(tmp_path, config, entries)
    assert labelled.true("c") == set()
    assert labelled.rejects == [
        ("a", "caption", "the recogniser said fails on it: integer division or modulo by zero"),
        ("b", "caption", "the caption is in no language"),
    ]


def test_a_picture_that_it_fails_on_is_rejected(tmp_path: Path, add: Add) -> None:
    def recognise(pictures: Pictures) -> list[set[int]]:
        return [{1 // int(np.ptp(pixels))} - {0, 1} for pixels in pictures.pixels]

    entry = ImageRecogniser(
        name="bright", about="", form=int, build=lambda settings, config, clip: recognise
    )
    add(entry)
    config = labelling_config(tmp_path, {"g": {"names": {"w": {"target": 0.5, "bright": 1}}}})
    grey = BytesIO()
    Image.new("RGB", (64, 64), (9, 9, 9)).save(grey, "PNG")
    entries = [*sample("a", jpg=FOX), *sample("b", png=grey.getvalue())]
    labelled = Labelled(tmp_path, config, entries)
    assert labelled.true("a") == set()
    said = "the model fails on it: the recogniser bright fails on it: integer division or modulo"
    assert [(key, error[: len(said)]) for key, _, error in labelled.rejects] == [("b", said)]


def test_settings_that_it_fails_on_are_named(tmp_path: Path, add: Add) -> None:
    add(by_caption(lambda settings, config: settings["x"]))
    config = labelling_config(tmp_path, {"g": {"names": {"w": {"target": 0.5, "said": ["a"]}}}})
    with pytest.raises(FairshardError, match="'said' of fairshard fails on its settings: 'x'; "):
        Labelled(tmp_path, config, sample("a", txt="abc"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("target", "cannot be named 'target'"), ("Two", "cannot be named"), ("copy", "is taken, or")],
)
def test_a_name_that_cannot_be_a_key_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        CaptionRecogniser(name=name, about="", form=int, build=lambda settings, config: set)


def test_one_of_no_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="'said' is of no kind"):
        Recogniser(name="said", about="", form=int, build=by_caption)


def test_one_that_cannot_be_loaded_is_named_where_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(RECOGNISERS._broken, "said", "words 2.1 fails as it is loaded: no disk")
    asking("{target: 0.5, lexicon: w}")
    with pytest.raises(ConfigError, match=r"names\.w: the recogniser 'said' cannot be .* no disk"):
        asking("{target: 0.5, said: [a]}")


def test_a_process_that_loaded_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RECOGNISERS, "_entries", {})
    with pytest.raises(ConfigError, match=r"no recogniser is loaded: call load_registrations\(\)"):
        asking("{target: 0.5, lexicon: w}")
