"""What is lost counts as what it is, and what is left out is named."""

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from jobs.run import label
from tests.commands import run
from tests.fixtures import config_of, read_members
from tests.inprocess import InProcess
from tests.runs import quiet
from tests.tarmaking import make_tar, raw_entry, special
from transforms.base.errors import FairshardError
from transforms.config.files import read_config
from transforms.shards.naming import stem_of
from transforms.verification.tars import samples_of

LABELS: dict[str, Any] = {"work": {"names": {"nurse": {"lexicon": ["nurse"]}}}}
EACH = 20


def caption(number: int) -> bytes:
    who = ("woman", "man")[number % 3 > 0]
    return f"a {who} who works as a {('nurse', 'doctor')[number % 2]}".encode()


def members(shard: int, count: int = EACH) -> list[tuple[str, bytes]]:
    """The members of `count` samples, a picture and a caption each."""
    keys = [f"{shard}{number:05d}" for number in range(count)]
    return [
        (f"{key}.{extension}", content)
        for number, key in enumerate(keys)
        for extension, content in (("jpg", key.encode() * 150), ("txt", caption(number)))
    ]


def good(shard: int, count: int = EACH) -> bytes:
    """A shard of `count` samples."""
    return make_tar(members(shard, count))


def corpus(folder: Path, shards: dict[str, bytes], **sections: Any) -> Path:
    """A configuration of the `shards`, by name."""
    (folder / "in").mkdir()
    for name, content in shards.items():
        (folder / "in" / name).write_bytes(content)
    limits = sections.pop("limits", {})
    config = config_of(
        folder,
        input={"shards": "in/*", "limits": limits, **sections.pop("input", {})},
        labels=LABELS,
        **{"balance": {"eta": 0.5, "max_association_bias": None}, **sections},
    )
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    return path


def labelled(path: Path) -> dict[str, Any]:
    """The label stage, run in this process; its summary."""
    return label.run(read_config(path), InProcess(), quiet())


def record(folder: Path, shard: str) -> dict[str, Any]:
    """The label record of a shard."""
    (path,) = (folder / "out" / "done" / "labels").glob(f"{shard}--*.json")
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


HTML = b"<html><body>503 Service Unavailable</body></html>" * 20
LOST = {
    "01.tar": HTML,
    "02.tar": b'{"error": "rate limited"}',
    "03.tar": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "04.tar": b"",
    "05.tar": gzip.compress(b""),
    "06.tar": b"BZh9" + bytes(600),
    "07.tar": bytes(10_240),
}


def test_shards_that_give_nothing_stop_a_run_and_are_said_to_be_what_they_seem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = corpus(tmp_path, {"00.tar": good(0, 200), **LOST})
    assert run("label", path) == 1
    said = capsys.readouterr().err
    assert "7 of 8 shards give no sample, more than input.limits.max_lost_shards = 0" in said
    for what in ("an HTML page", "a JSON document", "an XML document", "the shard is empty"):
        assert what in said
    assert re.search(r"01--\w+ \(", said)
    assert record(tmp_path, "00")["samples"] == 200
    assert record(tmp_path, "01")["lost_bytes"] == len(HTML)
    assert run("failed", tmp_path / "out", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    shards = [stem_of(shard) for kind in found["lost"] for shard in kind["shards"]]
    assert sorted(shards) == [name.removesuffix(".tar") for name in LOST]

    document = yaml.safe_load(path.read_text())
    document["input"]["limits"] |= {"max_lost_shards": 7, "max_lost_share": 0.5}
    path.write_text(yaml.safe_dump(document))
    capsys.readouterr()
    assert run("label", path, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["labelled_now"], summary["samples"]) == (0, 200)


def damaged(content: bytes) -> bytes:
    """A shard with a header in its middle that is none."""
    at = content.index(b"100010.jpg")
    return content[:at] + b"\xff" * 512 + content[at + 512 :]


@pytest.mark.parametrize(
    ("harm", "least"),
    [
        (damaged, 0.4),
        (lambda content: content + b"no tar" * 9000, 0.4),
        (lambda content: gzip.compress(content)[:-90], 0.0),
    ],
)
def test_bytes_that_cannot_be_read_are_counted_and_budgeted(
    tmp_path: Path, harm: Callable[[bytes], bytes], least: float
) -> None:
    bad = harm(good(1))
    path = corpus(tmp_path, {"00.tar": good(0), "01.tar": bad}, limits={"max_reject_share": 0.5})
    if least:
        with pytest.raises(FairshardError, match=r"max_lost_share = 0\.01 allows: 01--\w+ \("):
            labelled(path)
    else:
        (lost,) = labelled(path)["lost"]
        assert [*map(stem_of, lost["shards"])] == ["01"]
    found = record(tmp_path, "01")
    assert found["samples"] >= 10
    assert found["damage"]
    assert least * len(bad) <= found["lost_bytes"] < 0.6 * len(bad)


def interleaved(folder: str, shard: int) -> bytes:
    """A shard as macOS's tar writes it, with other members of no sample as well."""
    entries: list[Any] = []
    for name, content in members(shard):
        entries += [(f"{folder}._{name}", b"\0\5\x16\7" + bytes(160)), (folder + name, content)]
        if name.endswith("3.jpg"):
            entries += [("README", b"r"), special("between", b"5"), ("__m__/a.txt", b"m")]
    return make_tar(entries)


SHARDS = {
    "gzip.tar": lambda: gzip.compress(good(1)),
    "zstd.tar": lambda: pa.compress(good(2), "zstd", asbytes=True),
    "plain.tar.gz": lambda: good(3),
    "joined.tar": lambda: good(4) + bytes(4096) + good(5) + good(6),
    "joined-gzip.tar": lambda: gzip.compress(good(7)) + gzip.compress(good(8)),
    "macos.tar": lambda: interleaved("", 9),
    "macos-folder.tar": lambda: interleaved("train/", 0),
}


def test_what_loaders_keep_is_labelled_copied_and_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shards = {name: make() for name, make in SHARDS.items()}
    path = corpus(
        tmp_path,
        shards,
        input={"part_bytes": 5_000},
        balance={"eta": 1.5, "Q": 3, "max_association_bias": None},
        output={"url": "out", "samples_per_shard": 1000},
        gates={"enabled": False},
    )
    assert run("rebalance", path, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["samples"]["in"], summary["samples"]["rejected"]) == (10 * EACH, 0)
    named = {kind["reason"]: kind["names"] for kind in summary["ignored"]}
    assert named["macOS's tar added it (._)"][0].startswith(("._9", "train/._0"))
    assert len(named) == 4
    assert run("verify", tmp_path / "out") == 0

    (written,) = (tmp_path / "out" / "shards").glob("*.tar")
    originals = dict(entry for shard in range(10) for entry in members(shard))
    for name, content in read_members(written).items():
        key, _, extension = name.removeprefix("train/").partition(".")
        assert content == originals[f"{key.partition('-')[0]}.{extension}"]
    with written.open("rb") as stream:
        assert all(len(sample.payloads) == 2 for sample in samples_of(stream))


def test_keys_that_hold_dots_cost_each_sample_and_are_named(tmp_path: Path) -> None:
    dotted = [(f"img.{name}", content) for name, content in members(1)]
    path = corpus(tmp_path, {"00.tar": good(0, 100), "01.tar": make_tar(dotted)})
    with pytest.raises(FairshardError) as failed:
        labelled(path)
    said = str(failed.value)
    assert f"{EACH} of 120 samples (16.7%) were rejected" in said
    assert f"{EACH} x read: its key holds a dot" in said
    assert "1 of 2 shards give no sample" in said


SISTERS = {
    "hard link": [special("x.txt", b"1", "0.txt"), ("x.jpg", b"x")],
    "symbolic link": [("x.jpg", b"x"), special("x.txt", b"2", "0.txt")],
    "same extension": [("x.jpg", b"x"), ("x.txt", b"a man"), ("x.TXT", b"b")],
    "absolute name": [("/x.jpg", b"x"), ("/x.txt", b"a man")],
    "empty caption member": [("x.jpg", b"x"), ("x.json", b"{}")],
    "not UTF-8": [("x.jpg", b"x"), ("x.txt", b"\xff")],
}


def test_each_bad_sample_costs_itself_alone(tmp_path: Path) -> None:
    shards = {
        f"{number}.tar": make_tar(
            [*members(1), *entries, *members(2), ("upper.JPG", b""), ("upper.TXT", b"a man")]
        )
        for number, entries in enumerate(SISTERS.values())
    }
    sparse = good(1)[:2560] + raw_entry(b"x.txt", b"x", kind=b"S") + good(2)
    path = corpus(tmp_path, {**shards, "sparse.tar": sparse}, limits={"max_reject_share": 0.5})
    labelled(path)
    for number, kind in enumerate(SISTERS):
        found = record(tmp_path, str(number))
        assert (found["samples"], found["rejects"]) == (2 * EACH + 1, 1), kind
        assert (found["damage"], found["lost_bytes"], found["ignored"]) == ("", 0, {}), kind
        (rejects,) = (tmp_path / "out" / "rejects").glob(f"{number}--*.parquet")
        (row,) = pq.read_table(rejects).to_pylist()
        assert row["key"].endswith("x"), kind
    assert record(tmp_path, "sparse")["samples"] == EACH + 1
