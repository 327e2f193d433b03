"""What Spark puts on disk holds no secret, is its user's alone, and is removed."""

import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from pipelines.spark import SparkEngine
from pipelines.spark_gates import tables_on
from pipelines.spark_secrets import Entrusted
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.gated import records_of
from tests.web import protected
from transforms.config_files import read_config
from transforms.shards import Shard

PASSWORD, HEADER, KEY, SETTING = "s3cret-XYZ", "t0ken-XYZ", "sw0rdf1sh-XYZ", "c0nf-XYZ"
SECRETS = (PASSWORD, HEADER, KEY, SETTING)


@dataclass
class Scratch:
    """What was seen of the files below a folder while something else ran."""

    root: Path
    files: set[str] = field(default_factory=set)
    leaks: set[str] = field(default_factory=set)
    open_to_others: set[str] = field(default_factory=set)

    def look(self) -> None:
        """Look again."""
        for entry in self.root.iterdir():
            if stat.S_IMODE(entry.stat().st_mode) != 0o700:
                self.open_to_others.add(f"{entry.name}: {entry.stat().st_mode:o}")
        for path in self.root.rglob("*"):
            found = content(path)
            self.files |= {path.name} if found else set()
            self.leaks |= {f"{path.name}: {each}" for each in SECRETS if each.encode() in found}


def content(path: Path) -> bytes:
    """Of a file, which may go at any time."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    (tmp_path / "scratch").mkdir()
    return Scratch(tmp_path / "scratch")


def config_at(folder: Path, host: str, port: int) -> Path:
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        "input": {
            "shards": f"http://bot:{PASSWORD}@{host}:{port}/0000{{0..3}}.tar",
            "storage_options": {"client_kwargs": {"headers": {"X-Token": HEADER}}},
            "part_bytes": 60_000,
        },
        "attributes": {"gender": {"share_of": "group", "names": names}},
        "balance": {"eta": 0.5},
        "output": {
            "url": str(folder / "out"),
            "samples_per_shard": 20,
            "storage_options": {"key": KEY},
        },
        "engine": {
            "name": "spark",
            "options": {
                "spark.master": "local[2]",
                "spark.local.dir": str(folder / "scratch"),
                "spark.eventLog.enabled": "true",
                "spark.eventLog.dir": str(folder / "events"),
                "spark.eventLog.compress": "false",
                "spark.shuffle.compress": "false",
                "spark.hadoop.fs.s3a.secret.key": SETTING,
            },
        },
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_no_secret_is_in_what_a_run_puts_on_disk(tmp_path: Path, scratch: Scratch) -> None:
    write_corpus(tmp_path, samples=120, shards=4)
    (tmp_path / "events").mkdir()
    with protected(tmp_path / "in", "bot", PASSWORD, scratch.look) as address:
        path = config_at(tmp_path, *address)
        assert run("rebalance", path) == 0
        config = read_config(path)
        engine = SparkEngine([f"--conf=spark.local.dir={scratch.root}", "--master=local[2]"])
        with engine.context() as context:
            assert tables_on(context, config, records_of(config))["rows"].frame.count() == 120
            scratch.look()
    assert any(name.startswith("shuffle_") for name in scratch.files)
    assert (scratch.leaks, scratch.open_to_others) == (set(), set())
    assert list(scratch.root.iterdir()) == []
    left = Scratch(tmp_path / "events")
    left.look()
    assert left.files
    assert left.leaks == set()


@pytest.mark.parametrize(
    "url",
    [
        "/data/a b?c/00000.tar",
        "s3://bucket/corpus/00000.tar",
        f"http://bot:{PASSWORD}@host/a/00000.tar",
        f"https://host/a/00000.tar?se=1&sig={PASSWORD}",
        f"https://bot:{PASSWORD}@host/a@b/00000.tar?sig={PASSWORD}#{PASSWORD}",
        f"simplecache::zip://a.tar::https://bot:{PASSWORD}@host/all.zip?sig={PASSWORD}",
        "abfs://container@account.dfs.core.windows.net/00000.tar",
    ],
)
def test_a_hidden_shard_holds_no_secret_and_is_shown_as_it_was(url: str) -> None:
    shards = [Shard("00000", url, 9, "v"), Shard("00001", "s3://other/1.tar", 9, "v")]
    given = Entrusted.of(config_of("."), shards)
    hidden = given.hidden(shards)
    assert PASSWORD not in str(hidden)
    assert [given.shown(shard) for shard in hidden] == shards


def test_shards_of_one_place_are_entrusted_with_one_beginning() -> None:
    shards = [Shard(f"{n}", f"http://bot:{PASSWORD}@host/{n}.tar", 9, "v") for n in range(1000)]
    assert len(Entrusted.of(config_of("."), shards).ends) == 1
