"""Which embeddings prompts and similarities are asked of, as a configuration has it."""

import json
from typing import Any

import pytest

from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.settings import needs_of

CLIP = {"url": "img_emb/*.npy", "model": {"name": "ViT-B-32", "pretrained": "openai"}}
GROUP = {
    "names": {
        "w": {"target": 0.5, "prompts": ["a woman"]},
        "m": {"target": 0.5, "prompts": "a man"},
    }
}


def _parsed(**values: Any) -> Config:
    given = {
        "input": {"shards": "a.tar"},
        "attributes": {"g": GROUP},
        "balance": {"V": 100.0, "eta": 0.5},
        "output": {"url": "out"},
        **values,
    }
    return parse_config(json.dumps(given), "c.yaml")


def _asked(**zero_shot: Any) -> dict[str, Any]:
    return {"attributes": {"g": {**GROUP, "zero_shot": zero_shot}}}


def _sources(config: Config) -> set[str]:
    return {source for entry in schema_of(config).recognised for source in entry.sources}


def test_without_a_model_prompts_are_asked_of_the_only_embeddings() -> None:
    config = _parsed(embeddings={"clip": CLIP})
    assert _sources(config) == {"embedding"}
    assert needs_of(config) <= {"embedding"}
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert Config.model_validate_json(config.model_dump_json(round_trip=True)) == config


def test_with_a_model_they_are_asked_of_images_unless_the_group_names_embeddings() -> None:
    model = {"name": "ViT-L-14", "pretrained": "openai"}
    assert _sources(_parsed(embeddings={"clip": CLIP}, model=model)) == {"image"}
    both = _parsed(embeddings={"clip": CLIP}, model=model, **_asked(embeddings="clip"))
    assert _sources(both) == {"embedding"}


def test_of_several_embeddings_one_is_named() -> None:
    several = {"clip": CLIP, "other": CLIP}
    with pytest.raises(ConfigError, match=r"need a model: give model\.name or .*\(clip, other\)"):
        _parsed(embeddings=several)
    config = _parsed(embeddings=several, **_asked(embeddings="other", none_of_these=["a car"]))
    assert _sources(config) == {"embedding"}


def test_similarities_are_of_embeddings_where_nothing_sees_images() -> None:
    assert _parsed(embeddings={"clip": CLIP}).similarity_from is None
    for asking in (
        {"similarity": True},
        {"similarity": "clip"},
        {"utility": {"score": "similarity"}},
        {"filter": {"min_similarity": 0.2}},
    ):
        assert _parsed(embeddings={"clip": CLIP}, **asking).similarity_from == "clip"
    seeing = {"name": "ViT-L-14", "pretrained": "openai"}
    assert _parsed(embeddings={"clip": CLIP}, model=seeing, similarity=True).similarity_from is None
    named = _parsed(embeddings={"clip": CLIP}, model=seeing, similarity="clip")
    assert named.similarity_from == "clip"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (_asked(embeddings="clap"), "attributes.g.zero_shot.embeddings: there is no entry of emb"),
        ({"similarity": "clap"}, "similarity: there is no entry of embeddings 'clap'; did you"),
        (
            {"attributes": {"g": {"names": {"w": {"target": 0.5, "prompts": 5.5}}}}},
            "attributes.g.names.w.prompts.0: should be text",
        ),
        (
            {"attributes": {"g": {"names": {"w": {"target": 0.5, "prompts": "a woman"}}}}},
            "attributes.g: zero-shot needs an alternative: give prompts to a second name",
        ),
        (
            {
                "model": CLIP["model"],
                "attributes": {"g": {"names": {"w": {"target": 0.5, "embedded_prompts": "a"}}}},
            },
            "write prompts, and which embeddings as zero_shot.embeddings",
        ),
        ({"embeddings": {"clip": {"url": "a.npy"}}}, "embeddings.clip.model: missing"),
        ({"embeddings": {"clip": 5}}, "embeddings.clip: "),
        ({"embeddings": {"clip": {**CLIP, "url": []}}}, "embeddings.clip.url: "),
        ({"embeddings": 5}, "embeddings: should be a valid dictionary"),
        ({"embeddings": {"clip": {**CLIP, "metadta": "m"}}}, "did you mean metadata"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_key(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why.replace(".", r"\.")):
        _parsed(**{"embeddings": {"clip": CLIP}, **values})
