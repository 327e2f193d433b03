"""What Spark puts on disk holds no secret, is its user's alone, and is removed."""

import stat
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import yaml

from benchmarks.chaos.commands import Command
from pipelines.spark.engine import SparkEngine
from pipelines.spark.gates import tables_on
from pipelines.spark.secrets import Entrusted
from tests.fixtures import config_of, write_corpus
from tests.gated import finished, records_of
from tests.web import protected
from transforms.base.errors import FairshardError
from transforms.shards.finding import Shard

LIMIT = 300.0
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
            self.leaks |= leaks_of(path.name, found)


def leaks_of(name: str, content: bytes) -> set[str]:
    """The secrets in the content of what bears a name."""
    return {f"{name}: {secret}" for secret in SECRETS if secret.encode() in content}


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
        "tables": {
            "words": {
                "url": f"http://bot:{PASSWORD}@{host}:{port}/words.csv",
                "key": "key",
                "storage_options": {"client_kwargs": {"headers": {"X-Token": HEADER}}},
            }
        },
        "labels": {
            "thing": {
                "names": {"tie": {"column": {"table": "words", "name": "word", "values": "tie"}}}
            }
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
    truths = write_corpus(tmp_path, samples=120, shards=4)
    rows = [f"{truth.key},{word}" for truth in truths for word in truth.words]
    (tmp_path / "in" / "words.csv").write_text("\n".join(["key,word", *rows, ""]))
    (tmp_path / "events").mkdir()
    shown: set[str] = set()

    def look() -> None:
        scratch.look()
        shown.update(leaks_of("a command line", " ".join(command.processes().values()).encode()))

    with protected(tmp_path / "in", "bot", PASSWORD, look) as address:
        path = config_at(tmp_path, *address)
        environment = {"TMPDIR": str(scratch.root)}
        command = Command(["rebalance", path], tmp_path / "log", [], environment, [])
        ended = command.end(LIMIT)
    assert ended.code == 0, ended.said
    assert any(name.startswith("shuffle_") for name in scratch.files)
    assert (scratch.leaks, scratch.open_to_others, shown) == (set(), set(), set())
    assert list(scratch.root.iterdir()) == []
    left = Scratch(tmp_path)
    left.look()
    assert {leak.partition(":")[0] for leak in left.leaks} == {path.name}
    assert any((tmp_path / "events").rglob("*"))


def test_no_secret_is_in_what_the_gate_of_the_labels_puts_on_disk(tmp_path: Path) -> None:
    config = finished(tmp_path, input={"shards": "in/*.tar", "storage_options": {"key": KEY}})
    secret = [
        replace(record, shard=replace(record.shard, url=f"http://bot:{PASSWORD}@host/1.tar"))
        for record in records_of(config)
    ]
    with SparkEngine(["--master=local[2]"]).context() as context:
        tables = tables_on(context, config, secret)
        assert tables["rows"].frame.count() == 300
        for folder in (context._temp_dir, context.getConf().get("spark.local.dir")):
            outer = next(each for each in Path(folder).parents if each.name.startswith("fairshard"))
            there = Scratch(outer)
            there.look()
            assert there.files
            assert there.leaks == set()
            assert stat.S_IMODE(outer.stat().st_mode) == 0o700


def test_no_secret_is_in_what_a_failing_task_says(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=20, shards=1)
    events = tmp_path / "events"
    events.mkdir()
    logged = [f"--conf=spark.eventLog.{key}" for key in ("enabled=true", f"dir={events}")]
    engine = SparkEngine(["--master=local[1,1]", *logged, "--conf=spark.eventLog.compress=false"])
    shard = Shard("00000", f"http://bot:{PASSWORD}@127.0.0.1:9/00000.tar", 10_000, "v")
    with pytest.raises(FairshardError, match=r"http://\*\*\*@127") as raised:
        engine.label(config_of(tmp_path), [shard])
    said = Scratch(events)
    said.look()
    kind = type(raised.value).__name__.encode()
    assert any(kind in content(path) for path in events.rglob("*"))
    assert said.leaks == set()


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
    given = Entrusted.of(config_of("."), [shard.url for shard in shards])
    hidden = given.hidden(shards)
    assert PASSWORD not in str(hidden)
    assert [given.shown(shard) for shard in hidden] == shards


def test_shards_of_one_place_are_entrusted_with_one_beginning() -> None:
    shards = [Shard(f"{n}", f"http://bot:{PASSWORD}@host/{n}.tar", 9, "v") for n in range(1000)]
    assert len(Entrusted.of(config_of("."), [shard.url for shard in shards]).ends) == 1
