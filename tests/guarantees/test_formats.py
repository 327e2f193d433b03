"""Outputs in another format: written again where it changes, mended, the user's files kept."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.look import status
from jobs.run import dry_run, rebalance
from tests.commands import run
from tests.example_package.fairshard_example.keys import KEYS
from tests.fixtures import config_of, read_members, tree, write_corpus
from tests.guarantees.test_damage import as_they_are, cut, of, said
from tests.inprocess import Dying
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.config.writers import WRITERS
from transforms.storage.files import output_storage

COMPLETE = "the output is complete: nothing to do"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example package's format is registered, until the test ends."""
    for part in ("_entries", "_origins"):
        monkeypatch.setattr(WRITERS, part, {**getattr(WRITERS, part)})
    WRITERS.register(KEYS, "fairshard-example 1.0")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """An output of keys is asked for."""
    write_corpus(tmp_path, samples=120, shards=3)
    return config_of(
        tmp_path,
        gates={"enabled": False},
        output={"url": "out", "samples_per_shard": 15, "format": "keys"},
    )


def out_of(config: Config) -> Path:
    return Path(config.output.url)


def names(config: Config, folder: str = "shards") -> list[str]:
    """What is in a folder, but for what lies beside shards."""
    there = {path.name for path in (out_of(config) / folder).iterdir()}
    return sorted(name for name in there - {"sizes.json"} if not name.endswith(".parquet"))


def resampled(config: Config) -> tuple[str, int]:
    """What is said of the last stage, and of how many shards."""
    found = status.run(output_storage(config.output))["stages"][-1]
    return found["state"], found["shards_done"]


def test_every_sample_of_the_tars_is_named_where_it_is(config: Config) -> None:
    said(config)
    lines = [
        json.loads(line)
        for name in names(config)
        for line in (out_of(config) / "shards" / name).read_text().splitlines()
    ]
    urls = {
        record["shard"]["name"]: Path(record["shard"]["url"])
        for path in (out_of(config) / "done" / "labels").iterdir()
        if (record := json.loads(path.read_text()))
    }
    said(of(config, format="webdataset"))
    members = {}
    for name in names(config):
        members |= read_members(out_of(config) / "shards" / name)
    assert sorted(f"{line['name']}.jpg" for line in lines) == sorted(
        name for name in members if name.endswith(".jpg")
    )
    for line in lines:
        with urls[line["shard"]].open("rb") as shard:
            shard.seek(line["offset"])
            assert shard.read(line["size"]).startswith(f"{line['key']}.jpg".encode())


def test_another_format_is_another_output(config: Config) -> None:
    """Each is written in the place of the other, whole; what is not ours stays."""
    tars = of(config, format="webdataset")
    said(tars)
    whole, count = tree(out_of(config)), len(names(config))
    mine = out_of(config) / "shards" / "00000.idx"
    mine.write_text("mine")
    would = dry_run.run(config, ("label", "solve", "resample"), False)["would_do"]
    assert would[-1] == "the output is written again: output.format changed"
    assert names(config)[-1].endswith(".tar")
    assert "the output is written again: output.format changed" in said(config)
    numbers = [f"{number:05d}" for number in range(count)]
    assert names(config) == ["00000.idx", *(f"{number}.jsonl" for number in numbers)]
    assert names(config, "done/shards") == [f"{number}.jsonl.json" for number in numbers]
    assert json.loads((out_of(config) / "done/claimed.json").read_text()) == {
        ".jsonl": count,
        ".parquet": count,
        "sizes": 1,
    }
    before = as_they_are(out_of(config))
    assert said(config)[-1] == COMPLETE
    assert as_they_are(out_of(config)) == before
    said(tars)
    assert mine.read_text() == "mine"
    mine.unlink()
    assert tree(out_of(config)) == whole


def test_two_formats_of_one_extension_are_not_taken_for_one_another(config: Config) -> None:
    named_as_tars = of(
        config, format=WRITERS.register(replace(KEYS, name="named", extension="tar")).name
    )
    said(of(config, format="webdataset"))
    whole = tree(out_of(config))
    with pytest.raises(KeyboardInterrupt):
        rebalance.run(named_as_tars, Dying(2), quiet())
    said(named_as_tars)
    other = tree(out_of(config))
    shards = [name for name in whole if name.endswith(".tar")]
    assert [name for name in other if name.endswith(".tar")] == shards
    assert all(other[name].startswith(b"{") for name in shards)
    said(of(config, format="webdataset"))
    assert tree(out_of(config)) == whole


def test_a_file_of_the_users_with_the_name_of_a_shard_stays(config: Config) -> None:
    """That the tar of the same number is ours says nothing of it."""
    said(of(config, format="webdataset"))
    mine = out_of(config) / "shards" / "00001.jsonl"
    mine.write_text("mine")
    before = as_they_are(out_of(config))
    with pytest.raises(Exception, match=r"00001\.jsonl would be overwritten, and no record"):
        said(config)
    assert as_they_are(out_of(config)) == before
    mine.unlink()
    said(config)
    mine = out_of(config) / "shards" / "00001.tar"
    mine.write_text("mine")
    assert said(config)[-1] == COMPLETE
    said(of(config, samples_per_shard=20))
    assert mine.read_text() == "mine"


def test_a_first_run_overwrites_none_of_its_own_extension(config: Config) -> None:
    path = out_of(config).with_name("config.yaml")
    path.write_text(json.dumps(config.model_dump(mode="json")))
    theirs = out_of(config) / "shards" / "00007.tar"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    quick = ("--", "--runner=FnApiRunner")
    (out_of(config) / "shards" / "00008.jsonl").write_text("mine")
    assert run("rebalance", path, *quick) == 1
    assert names(config) == ["00007.tar", "00008.jsonl"]
    (out_of(config) / "shards" / "00008.jsonl").unlink()
    assert run("rebalance", path, "--allow-unmet", *quick) == 0
    assert theirs.read_text() == "mine"
    assert run("verify", out_of(config)) == 0


@pytest.mark.parametrize("then", ["keys", "webdataset"])
def test_a_change_of_format_that_was_not_finished(config: Config, then: str) -> None:
    """Whichever is asked for next is written whole, and nothing of the other is left."""
    said(of(config, format=then))
    whole = tree(out_of(config))
    said(of(config, format="webdataset"))
    with pytest.raises(KeyboardInterrupt):
        rebalance.run(config, Dying(2), quiet())
    assert not (out_of(config) / "manifest.json").exists()
    assert resampled(config) == ("not done", 2)
    said(of(config, format=then))
    assert tree(out_of(config)) == whole
    assert names(config, "done/shards") == sorted(
        f"{Path(name).stem if then == 'webdataset' else name}.json" for name in names(config)
    )


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("shards/00001.jsonl", "its file is cut short"),
        ("done/shards/00001.jsonl.json", "it has no record that can be read"),
    ],
)
def test_what_is_damaged_is_written_again_and_nothing_else(
    config: Config, name: str, fault: str
) -> None:
    said(config)
    whole, before = tree(out_of(config)), as_they_are(out_of(config))
    count = len(names(config))
    assert resampled(config) == ("done", count)
    cut(out_of(config) / name)
    assert resampled(config) == ("damaged", count - name.startswith("done"))
    assert any(fault in line for line in said(config))
    assert tree(out_of(config)) == whole
    after = as_they_are(out_of(config))
    changed = {path for path in after if after[path] != before.get(path)}
    of_one = {"shards/00001.jsonl", "done/shards/00001.jsonl.json", "manifest.json"}
    assert {re.sub(r"--\w+", "", path) for path in changed} == of_one


def test_a_lost_claim_is_made_again(config: Config) -> None:
    said(config)
    claim = out_of(config) / "done" / "claimed.json"
    content = claim.read_bytes()
    for lost in (b"{", b"[]", b'{".jsonl": "x"}'):
        claim.write_bytes(lost)
        assert said(config)[-1] == COMPLETE
        assert claim.read_bytes() == content


def test_verify_says_what_it_did_and_did_not_read(
    config: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    def verified() -> dict[str, Any]:
        capsys.readouterr()
        code = run("verify", out_of(config), "--json")
        found = json.loads(capsys.readouterr().out)
        assert code == (0 if found["agrees"] else 1)
        return {check["name"]: check for check in found["checks"]}

    tars = of(config, format="webdataset")
    for made, other in ((tars, config), (config, tars)):
        said(made)
        path = out_of(config).with_name("other.yaml")
        path.write_text(json.dumps(other.model_dump(mode="json")))
        assert run("verify", out_of(config), "--config", path) == 2
        assert "output.format differs" in capsys.readouterr().err
    found = verified()
    unread = "what files of the format 'keys' hold is not read"
    assert {name for name, check in found.items() if check["result"] == "not checked"} == {
        *("shards", "keys", "order", "payloads", "draw", "bias after", "as drawn", "sampling")
    }
    assert found["shards"]["remark"] == f"size and sha256 alone are compared: {unread}"
    assert found["shards"]["checked"] == len(names(config))
    assert found["payloads"]["remark"] == unread
    assert found["records"]["result"] == found["conservation"]["result"] == "agrees"
    shard = out_of(config) / "shards" / "00001.jsonl"
    content = shard.read_bytes()
    shard.write_bytes(content.replace(b'"size"', b'"sIze"', 1))
    assert "00001.jsonl has " in verified()["shards"]["remark"]
    shard.unlink()
    assert verified()["shards"]["remark"] == "shards/00001.jsonl is missing"
    shard.write_bytes(content)
    (out_of(config) / "shards" / "00009.jsonl").write_text("{}")
    assert "00009.jsonl is in the output, and not in" in verified()["shards"]["remark"]
