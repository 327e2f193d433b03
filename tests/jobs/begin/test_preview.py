"""`fairshard preview` and the warnings of `check`, as a person types them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairshard
from tests import commands
from tests.fixtures import write_corpus
from tests.labelled import BY_IMAGE, FOX, OWL, labelling_config, sample
from tests.tarmaking import make_tar

FACES = {"young": "9-Mar", "old": "60-69"}
CONFIG: dict[str, Any] = {
    "input": {"shards": "*.tar"},
    "attributes": {
        "age": {
            "field": "age",
            "names": {"3-9": {"target": 0.4}, "60-69": {"target": 0.4}},
        }
    },
    "labels": {
        "job": {"names": {"firefighter": {"lexicon": ["firefighter"]}}},
        "smile": {"names": {"smiling": {"field": {"path": "smile", "values": [1]}}}},
        "country": {"names": {"norway": {"field": {"path": "country", "values": [False]}}}},
        "object": {"field": "objects", "names": ["laptop"]},
        "odd": {"names": {"any": {"field": {"path": "age", "values": [">=60"]}}}},
    },
    "balance": {"eta": 0.5},
    "output": {"url": "out"},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose values are not those of the data, and a shard of 20 samples."""
    entries = [
        entry
        for number in range(20)
        for entry in sample(
            f"{number:02d}",
            txt="\x1b[31m two firefighters" if number % 2 else "a lane",
            json={
                "age": FACES["young" if number % 4 else "old"],
                "smile": str(number % 2),
                "country": "NO",
                "objects": "laptop, cup",
            },
        )
    ]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    return path


def test_it_shows_what_is_recognised_and_what_is_not_and_why(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert commands.run("preview", config) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[:2] == [
        "20 samples, the first of 1 of 1 shard: 20 labelled, 0 rejected",
        "members: .json in 20 (metadata), .txt in 20 (caption)",
    ]
    for line in (
        "age.60-69 attribute 5 25.0% 5",
        "job.firefighter label 0 0.0% 0",
        '"9-Mar" 15 "3-9" age.3-9',
        '"NO" 20 false country.norway',
        "firefighters 10 firefighter job.firefighter",
        "firefighter job.firefighter",
    ):
        assert line in lines
    mend = lines[lines.index("to mend:") + 1 :]
    for beginning in (
        'the field age has "9-Mar" (15 samples) where age.3-9 has "3-9": a spreadsheet',
        'the field smile has the text "1" (10 samples) where smile.smiling has the number 1',
        'the field country has the text "NO" (20 samples) where country.norway has false',
        'the field objects holds lists as text, as "laptop, cup" (20 samples)',
        'no caption holds "firefighter", of job.firefighter, and 10 hold "firefighters"',
        "never recognised in 20 samples: age.3-9, job.firefighter, smile.smiling, country.norway",
    ):
        assert any(line.startswith(beginning) for line in mend), beginning


def test_what_cannot_be_read_is_shown_with_the_reason(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "shard.tar").write_text("no tar")
    assert commands.run("preview", config) == 0
    first, reject, *_, advice = capsys.readouterr().out.splitlines()
    assert first == "1 sample, the first of 1 of 1 shard: 0 labelled, 1 rejected"
    assert reject.startswith("  1 x read: it is a text, or a tar cut short")
    assert advice.startswith("  1 of 1 sample rejected, a larger share than")


def test_json_is_the_same_for_programs(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run("preview", config, "--samples", 8, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["samples"], found["shards"], found["of_shards"]) == (8, 1, 1)
    assert {one["name"]: one["hits"] for one in found["names"]}["age.60-69"] == 2
    (age,) = (one for one in found["observations"] if one["title"].startswith("field age"))
    assert age["rows"][0] == {
        "value": '"9-Mar"',
        "samples": 6,
        "nearest listed": '"3-9"',
        "of": "age.3-9",
    }
    summary = fairshard.preview(config, samples=8, quiet=True)
    assert json.loads(json.dumps(summary.details)) == found
    assert (summary.samples, summary.rejected) == (8, 0)
    assert summary.advice == tuple(found["advice"])


def test_nothing_to_mend_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        **CONFIG,
        "input": {"shards": "in/*.tar"},
        "attributes": {"gender": {"names": names}},
        "labels": {"thing": {"field": "words", "names": ["doctor", "nurse", "laptop", "tie"]}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    assert commands.run("preview", path) == 0
    said = capsys.readouterr().out
    assert said.endswith("\nnothing to mend is seen in these samples\n")
    assert "gender.woman" in said
    assert not (tmp_path / "out").exists()


def test_text_of_captions_does_not_command_the_terminal(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("- firefighter", "- two"))
    assert commands.run("preview", config) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\\x1b[31m" in said


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("'*.tar'", "'none/*.tar'", 1, "no shard (.tar, "),
        ("eta: 0.5", "etta: 0.5", 2, "balance.etta: unknown key"),
    ],
)
def test_a_mistake_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: int, said: str
) -> None:
    text = config.read_text()
    assert old in text
    config.write_text(text.replace(old, new, 1))
    assert commands.run("preview", config) == code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_a_model_that_is_missing_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shard.tar").write_bytes(make_tar(sample("a", jpg=FOX)))
    config = labelling_config(tmp_path, BY_IMAGE, model={"name": f"local-dir:{tmp_path}/none"})
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert commands.run("preview", path) == 1
    loading, error = capsys.readouterr().err.splitlines()
    assert loading.startswith("loading the model local-dir:")
    assert error.startswith("fairshard: model.name")


def test_no_samples_are_no_preview(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(fairshard.FairshardError, match="between 1 and 100,000 samples, not 0"):
        fairshard.preview(config, samples=0, quiet=True)
    assert commands.run("preview", config, "--samples", 0) == 2
    assert "--samples" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_one_sentence(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("preview", config, "--html", config.parent / "none" / "p.html") == 1
    assert "p.html cannot be written: No such file or directory" in capsys.readouterr().err


def test_a_page_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = [*sample("a", jpg=FOX, txt="a fox"), *sample("b", jpg=OWL, txt="an owl")]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    config = labelling_config(tmp_path, BY_IMAGE)
    path, page = tmp_path / "config.yaml", tmp_path / "page.html"
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    assert commands.run("preview", path, "--html", page) == 0
    assert capsys.readouterr().out.endswith(f"page: {page}\n")
    assert page.read_text().count("data:image/jpeg;base64,") == 2


def test_check_warns_of_what_may_not_mean_what_it_seems(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.run("check", config) == 0
    warnings = [
        "'>=60' of odd.any, under field: patterns are not read, each is compared as it stands; "
        "write out what is meant, or ask for it by matches, at_least, above, at_most or below"
    ]
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("warning")] == [f"warning: {warnings[0]}"]
    assert commands.run("check", config, "--json") == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == warnings
