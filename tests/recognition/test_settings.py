"""What the labels depend on: the members they need, and the digest of their settings."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from jobs.begin.demo.corpus import MODEL
from transforms.config.sections import Config
from transforms.recognition.settings import members_of, settings_digest

BASE: dict[str, Any] = {
    "input": {"shards": "*.tar"},
    "attributes": {
        "figure": {
            "names": {
                "fox": {"target": 0.5, "lexicon": ["fox"], "prompts": ["a fox"]},
                "owl": {"target": 0.5, "prompts": ["an owl"]},
            }
        }
    },
    "labels": {"tool": {"field": "tool", "names": ["hammer", "book"]}},
    "model": {"name": f"local-dir:{MODEL}"},
    "balance": {"eta": 0.5},
    "output": {"url": "out"},
}


def _with(path: str, value: Any) -> Config:
    """BASE with the value at a path of keys replaced; None takes the key away."""
    values = {**BASE}
    inner = values
    *steps, last = path.split("/")
    for step in steps:
        inner[step] = {**inner.get(step, {})}
        inner = inner[step]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return Config.model_validate(values)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input/shards", "other/*.tar"),
        ("input/limits", {"max_reject_share": 0.5}),
        ("input/storage_options", {"anon": True}),
        ("attributes/figure/share_of", "group"),
        ("attributes/figure/names/owl/target", 0.1),
        ("balance/eta", 0.9),
        ("seed", 7),
        ("output/url", "elsewhere"),
        ("engine", {"name": "spark"}),
        ("model/batch_size", 3),
        ("model/decode_threads", 3),
        ("model/device", "cpu"),
    ],
)
def test_the_digest_does_not_depend_on_what_the_labels_do_not(path: str, value: Any) -> None:
    assert settings_digest(_with(path, value)) == settings_digest(Config.model_validate(BASE))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("input/members", {"image": ["jpg"]}),
        ("input/members", {"caption": ["caption"]}),
        ("input/members", {"metadata": ["meta"]}),
        ("input/caption_field", "caption"),
        ("input/limits", {"max_member_bytes": 1000}),
        ("input/limits", {"max_pixels": 1000}),
        ("attributes/figure/names/fox/lexicon", ["foxes"]),
        ("attributes/figure/names/owl/prompts", ["a barn owl"]),
        ("attributes/figure/names/owl/field", {"path": "figure", "values": ["owl"]}),
        ("attributes/figure/combine", "apart"),
        ("attributes/figure/combine", "all"),
        ("attributes/figure/zero_shot", {"threshold": 0.6}),
        ("attributes/figure/zero_shot", {"none_of_these": ["nobody"]}),
        ("attributes/figure/zero_shot", {"templates": ["a picture of {}"]}),
        ("labels/tool/names", ["book", "hammer"]),
        ("labels/tool/field", "tools"),
        ("labels", None),
        ("model/precision", "bf16"),
        ("similarity", True),
        ("filter", {"min_similarity": 0.2}),
        ("utility", {"field": "quality"}),
        ("utility", {"score": "similarity"}),
        ("utility", {"scale": 2}),
    ],
)
def test_the_digest_depends_on_all_that_the_labels_do(path: str, value: Any) -> None:
    assert settings_digest(_with(path, value)) != settings_digest(Config.model_validate(BASE))


def test_the_digest_depends_on_the_weights_and_not_on_where_they_are(tmp_path: Path) -> None:
    moved = tmp_path / "model"
    shutil.copytree(MODEL, moved)
    config = _with("model/name", f"local-dir:{moved}")
    assert settings_digest(config) == settings_digest(Config.model_validate(BASE))
    with (moved / "open_clip_config.json").open("a") as stream:
        stream.write(" ")
    assert settings_digest(config) != settings_digest(Config.model_validate(BASE))


@pytest.mark.parametrize(
    ("path", "value", "needed"),
    [
        ("seed", 0, {"image", "caption", "metadata"}),
        ("labels", None, {"image", "caption"}),
        ("attributes/figure/names/fox/lexicon", None, {"image", "metadata"}),
        ("input/caption_field", "caption", {"image", "metadata"}),
        (
            "attributes/figure/names",
            {"fox": {"target": 0.5, "lexicon": "fox"}},
            {"caption", "metadata"},
        ),
        (
            "attributes",
            {"figure": {"field": "figure", "names": {"fox": {"target": 0.5}}}},
            {"metadata"},
        ),
    ],
)
def test_only_members_that_the_labels_need_are_read(
    path: str, value: Any, needed: set[str]
) -> None:
    members = members_of(_with(path, value)).model_dump()
    assert {part for part, extensions in members.items() if extensions} == needed
