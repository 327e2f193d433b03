"""What listens while a job runs: on Beam nothing, on Spark what this machine alone can reach."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import apache_beam as beam
import grpc
import psutil
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_runner_api_pb2,
)

from pipelines.beam.engine import BeamEngine
from pipelines.spark.engine import SparkEngine
from tests.loading import ROOT
from tests.web_proxies import behind_a_proxy
from transforms.base.errors import FairshardError

Address = tuple[str, int]
WHERE_JAVA_IS = """
from pipelines.spark.engine import SparkEngine
with SparkEngine(["--master=local[1]"]).context() as context:
    print(context._jvm.System.getProperty("java.io.tmpdir"))
"""


def listening(process: int) -> set[Address]:
    """Where a process and all that it started can be reached."""
    tree = [psutil.Process(process), *psutil.Process(process).children(recursive=True)]
    return {
        (str(connection.laddr.ip), int(connection.laddr.port))
        for member in tree
        for connection in member.net_connections("inet")
        if connection.laddr and not connection.raddr
    }


def look(number: int, engine: int, found: Path) -> int:
    """Write down, from a worker, what of the engine is to be seen."""
    control = os.environ["CONTROL_API_SERVICE_DESCRIPTOR"].split('"')[1]
    sockets = Path(os.environ["FAIRSHARD_SOCKETS"])
    seen = {
        "listening": sorted(listening(engine)),
        "mode": stat.S_IMODE(sockets.stat().st_mode),
        "in": str(sockets.parent),
        "file": fetched("/etc/passwd", control),
    }
    (found / f"{number}.json").write_text(json.dumps(seen))
    return number


def fetched(path: str, control: str) -> str:
    """What comes of asking the engine for a file."""
    payload = beam_runner_api_pb2.ArtifactFilePayload(path=path).SerializeToString()
    artifact = beam_runner_api_pb2.ArtifactInformation(
        type_urn=common_urns.artifact_types.FILE.urn, type_payload=payload
    )
    with grpc.insecure_channel(control) as channel:
        service = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
        asked = beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)
        try:
            return "".join(part.data.decode() for part in service.GetArtifact(asked))
        except grpc.RpcError as error:
            return str(error.code().name)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files: of a short path, which is not what gRPC would write.

    pytest's own, made where temporary files are, is made before.
    """
    assert tmp_path.exists()
    folder = Path(tempfile.mkdtemp(prefix="t 1%20é-"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("tests_in_workers")
def test_on_beam_nothing_listens_and_no_file_is_served_whatever_the_proxy(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind_a_proxy(monkeypatch)
    before = listening(os.getpid())
    with BeamEngine(["--direct_num_workers=2"]).pipeline() as pipeline:
        numbers = pipeline | beam.Create(range(8)) | beam.Reshuffle()
        _ = numbers | beam.Map(look, os.getpid(), tmp_path)
    found = [json.loads(path.read_text()) for path in tmp_path.iterdir()]
    assert len(found) == 8
    for seen in found:
        assert {tuple(address) for address in seen["listening"]} <= before
        assert (seen["mode"], seen["in"], seen["file"]) == (0o700, str(temporary), "UNIMPLEMENTED")
    assert list(temporary.iterdir()) == []


def test_on_spark_only_this_machine_is_listened_to(monkeypatch: pytest.MonkeyPatch) -> None:
    behind_a_proxy(monkeypatch)
    before, engine = listening(os.getpid()), os.getpid()
    with_tests = f"--conf=spark.executorEnv.PYTHONPATH={ROOT}"
    with SparkEngine(["--master=local[2]", with_tests]).context() as context:
        found = context.parallelize(range(2), 2).map(lambda _: listening(engine)).collect()
    opened = {address for addresses in found for address in addresses} - before
    assert opened
    assert all(is_loopback(ip) for ip, _ in opened), opened


def is_loopback(ip: str) -> bool:
    """Whether an address, which may be IPv4's within IPv6, is this machine's own."""
    address = ip_address(ip)
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@pytest.mark.usefixtures("tests_in_workers")
@pytest.mark.parametrize("name", ["d" * 100, "a,b"])
def test_a_temporary_folder_that_is_not_for_sockets_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    short = Path(tempfile.mkdtemp(prefix="t-"))
    place = short / name
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    with BeamEngine(["--direct_num_workers=1"]).pipeline() as pipeline:
        _ = pipeline | beam.Create([0]) | beam.Map(look, os.getpid(), tmp_path)
    assert json.loads((tmp_path / "0.json").read_text())["in"] == "/tmp"
    shutil.rmtree(short)


def test_a_temporary_folder_of_any_name_is_java_s_too(tmp_path: Path) -> None:
    odd = tmp_path / "a \\ \" ' $b"
    odd.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WHERE_JAVA_IS],
        env={**os.environ, "TMPDIR": str(odd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith(f"{odd}/fairshard-spark-"), done.stderr
    assert list(odd.iterdir()) == []


def test_a_temporary_folder_that_spark_takes_for_two_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a,b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a,b"))
    with (
        pytest.raises(FairshardError, match="has a comma in its name, and Spark takes"),
        SparkEngine(["--master=local[1]"]).context(),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a,b"]
