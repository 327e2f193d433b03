"""Storages, leases and a whole run behind a network that fails."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from benchmarks.chaos.network import (
    CUT,
    REFUSED,
    RESET,
    STALLED,
    Dice,
    Network,
    network,
)
from jobs.session.holders import Holder
from jobs.session.lease import Hold
from jobs.session.progress import Watch, _lines
from tests.commands import run
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.outputs import comparable
from tests.runs import quiet
from tests.servers import BUCKET, Store, s3
from transforms.base.errors import FairshardError, UnreachableError
from transforms.config.sections import Config, Input
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard, find_shards
from transforms.storage import paths
from transforms.storage.documents import to_json
from transforms.storage.files import Storage


@dataclass(frozen=True)
class Behind:
    """A store, and the same behind a network."""

    store: Store
    through: Store
    network: Network

    @property
    def storage(self) -> Storage:
        return Storage(f"{self.through.url}/network", self.through.options)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    log = tmp_path_factory.mktemp("network") / "faults.log"
    with s3() as store, network(store.address, log) as between:
        yield Behind(store, store.behind(between.url), between)


@pytest.fixture
def calm(behind: Behind) -> Iterator[Behind]:
    """All passes at the beginning and at the end."""
    behind.network.calm()
    yield behind
    behind.network.calm()


def test_a_storage_that_cannot_be_reached_is_one_sentence(calm: Behind) -> None:
    storage = calm.storage
    storage.publish("a/b", b"here")
    calm.network.dice = Dice(1.0, kinds=[REFUSED])
    sentence = r"^s3://bucket/network/a.* cannot be {}: .*; see to it, then run the same command"
    readings = [
        lambda: storage.read("a/b"),
        lambda: storage.exists("a/b"),
        lambda: storage.names("a"),
    ]
    for reading in readings:
        with pytest.raises(UnreachableError, match=sentence.format("read")):
            reading()
    for writing in (lambda: storage.publish("a/b", b""), lambda: storage.delete("a/b")):
        with pytest.raises(FairshardError, match=sentence.format("written")):
            writing()
    with pytest.raises(FairshardError, match="s3://bucket/network/exports cannot be read"):
        storage.sweep()
    for shards in ("in/*.tar", "in/0.tar"):
        source = Input(
            shards=[f"{calm.through.url}/{shards}"], storage_options=calm.through.options
        )
        with pytest.raises(UnreachableError, match=r"^(input.shards: the folder|the input shard)"):
            find_shards(source)
    calm.network.calm()
    assert storage.read("a/b") == b"here"


@pytest.mark.parametrize("kind", [RESET, CUT, STALLED])
def test_what_never_comes_through_is_one_sentence(calm: Behind, kind: str) -> None:
    calm.network.dice = Dice(1.0, kinds=[kind], stall=1e6)
    hasty = calm.store.behind(calm.network.url, seconds=0.2)
    with pytest.raises(UnreachableError, match=r"/a cannot be read: \w.*; see to it"):
        Storage(f"{hasty.url}/network", hasty.options).read("a")


def test_an_upload_that_is_cut_off_is_one_sentence_and_can_be_swept(calm: Behind) -> None:
    storage = calm.storage
    with (
        pytest.raises(FairshardError, match=r"00000.tar cannot be written: \w"),
        storage.publishing("shards/00000.tar") as stream,
    ):
        stream.write(bytes(6 * 2**20))
        calm.network.dice = Dice(1.0, kinds=[REFUSED, RESET])
    calm.network.calm()
    assert not storage.exists("shards/00000.tar")
    assert calm.store.unfinished() == 1
    storage.sweep()
    assert calm.store.unfinished() == 0


def test_what_fails_amid_an_upload_is_told_though_the_upload_cannot_be_given_up(
    calm: Behind,
) -> None:
    with (
        pytest.raises(ValueError, match="stop"),
        calm.storage.publishing("shards/00000.tar") as stream,
    ):
        stream.write(bytes(6 * 2**20))
        calm.network.dice = Dice(1.0, kinds=[REFUSED])
        raise ValueError("stop")
    calm.network.calm()
    calm.storage.sweep()
    assert calm.store.unfinished() == 0


def test_a_lease_that_cannot_be_read_is_not_taken_over(calm: Behind) -> None:
    storage = calm.storage
    mine, theirs = (Holder(run, run, "elsewhere", "", 1, "", "today") for run in ("mine", "theirs"))
    held = Hold(storage, theirs)
    assert held.enter()
    held.settle()

    class Losing(Storage):
        """A storage that is out of reach once it has listed the leases."""

        def written(self, folder: str) -> dict[str, float]:
            found = super().written(folder)
            calm.network.dice = Dice(1.0, kinds=[REFUSED, RESET])
            return found

    hold = Hold(Losing(storage.url, storage.options), mine)
    with pytest.raises(UnreachableError, match=r"theirs.json cannot be read"):
        hold.enter()
    calm.network.calm()
    assert {"theirs.json", "theirs.entered"} <= set(storage.names(paths.RUNNING))
    assert held.renew()
    held.remove()
    hold.remove()


def test_progress_goes_on_once_the_storage_can_be_reached_again(calm: Behind) -> None:
    storage = calm.storage
    watch = Watch(storage, ("label",), to_label=1)
    record = LabelRecord(Shard("a", "in/a.tar", 1, ""), "", 1, 0, {}, 1, "", {})
    storage.publish(paths.label_record("a"), to_json(record))
    polls = iter((False, True))

    class Once(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            return next(polls)

    calm.network.dice = Dice(1.0, kinds=[REFUSED])
    _lines(watch, quiet(), Once())
    assert watch.current.count.shards == 0
    calm.network.calm()
    watch.poll()
    assert watch.current.count.shards == 1


QUIET = (30, 200)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_run_through_a_failing_network_ends_well_or_with_a_sentence(
    calm: Behind, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    for shard in (tmp_path / "in").iterdir():
        calm.store.system.pipe_file(f"{BUCKET}/network/in/{shard.name}", shard.read_bytes())
    config = rebalancing(tmp_path, {"shards": "in/*.tar"}, {"url": "out"})
    InProcess().rebalance(config, find_shards(config.input))
    url, reached = f"{calm.through.url}/network", {"storage_options": calm.through.options}
    source, output = {"shards": f"{url}/in/*.tar", **reached}, {"url": f"{url}/out", **reached}
    path = tmp_path / "config.json"
    path.write_text(rebalancing(tmp_path, source, output).model_dump_json())
    not_left = 0
    for first in QUIET:
        calm.network.dice = Dice(0.1, longest=12, stall=1.5, quiet=first)
        code = run("rebalance", path, "--allow-unmet", "--", "--runner=FnApiRunner")
        calm.network.calm()
        said = capfd.readouterr().err
        not_left += said.count("could not be removed: it counts as dead after")
        assert code in (0, 1)
        assert "should not have happened" not in said
        assert code == 0 or said.strip().rpartition("\n")[2].startswith("fairshard: ")
    assert run("rebalance", path, "--allow-unmet", "--", "--runner=FnApiRunner") == 0

    calm.store.fetch("network/out", tmp_path / "fetched")
    assert comparable(tmp_path / "fetched") == comparable(tmp_path / "out")
    rejects = [*(tmp_path / "fetched" / "rejects").iterdir()]
    assert [pq.read_table(path).num_rows for path in rejects] == [0, 0]
    assert not [*(tmp_path / "fetched").rglob(".*")]
    leases = [*(tmp_path / "fetched" / "done" / "running").glob("*.json")]
    assert len(leases) <= not_left
    assert calm.store.unfinished() == 0


def rebalancing(folder: Path, source: dict[str, Any], output: dict[str, Any]) -> Config:
    """What is to be rebalanced, where to."""
    return config_of(
        folder,
        input=source,
        output={**output, "samples_per_shard": 10},
        balance={"eta": 0.4, "max_representation_bias": 0.2},
        gates={"enabled": False},
    )
