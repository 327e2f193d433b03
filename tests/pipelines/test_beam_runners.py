"""Beam's runners by name, and what is said where one cannot run."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.prism_runner import PrismJobServer

from pipelines.beam.engine import BeamEngine
from pipelines.beam.runners import is_local, runner_of
from tests.fixtures import config_of, write_corpus
from tests.web_proxies import behind_a_proxy
from transforms.base.errors import ConfigError, FairshardError
from transforms.shards.finding import find_shards


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("directrunner", "DirectRunner"),
        ("DIRECT", "DirectRunner"),
        ("dataflowrunner", "DataflowRunner"),
        ("Dataflow", "DataflowRunner"),
        ("fnapirunner", "FnApiRunner"),
        ("prismRunner", "PrismRunner"),
        ("apache_beam.runners.portability.prism_runner.PrismRunner", "PrismRunner"),
        ("apache_beam.runners.direct.DirectRunner", "DirectRunner"),
        ("my.own.Runner", "my.own.Runner"),
    ],
)
def test_a_runner_is_known_in_any_case(given: str, name: str) -> None:
    assert runner_of(PipelineOptions([f"--runner={given}"])) == name


@pytest.mark.parametrize(
    ("arguments", "local"),
    [
        ([], True),
        (["--runner=directrunner"], True),
        (["--runner=fnapirunner"], False),
        (["--runner=fnapirunner", "--direct_running_mode=multi_processing"], True),
        (["--runner=portable"], False),
    ],
)
def test_the_local_runner_is_ours_whatever_its_name(arguments: list[str], local: bool) -> None:
    options = PipelineOptions(arguments)
    assert is_local(runner_of(options), options) == local


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--runner=bogus"], "Beam has no runner bogus: --runner is one of .*DirectRunner"),
        (["--runner=interactive"], "InteractiveRunner is for the cells of a notebook"),
        (["--runner=no.such.Runner"], "Beam's no.such.Runner cannot be used: No module named 'no'"),
        (["--runner=dataflowrunner"], "DataflowRunner cannot be used: .* option: project"),
        (["--runner=directrunner", "--outptu=x"], "unknown option --outptu"),
        (["--direct_running_mode=multi_threading"], "multi_threading is not for fairshard"),
    ],
)
def test_what_a_runner_cannot_do_with_is_said_at_once(
    arguments: Sequence[str], sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        BeamEngine(arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--runner=prismrunner"], r"Prism cannot be fetched from https.* \(.+\): give its file"),
        (["--runner=Prism", "--prism_location=/none"], "--prism_location=/none: Unable to parse"),
        (["--runner=portable"], "PortableRunner cannot be used: You must specify a --job_endpoint"),
        (
            ["--runner=portable", "--job_endpoint=127.0.0.1:9", "--job_server_timeout=1"],
            "no job service answers Beam's PortableRunner",
        ),
    ],
)
def test_a_runner_that_cannot_be_reached_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    behind_a_proxy(monkeypatch)
    monkeypatch.setattr(PrismJobServer, "BIN_CACHE", str(tmp_path))
    write_corpus(tmp_path, samples=4, shards=1)
    config = config_of(tmp_path)
    with pytest.raises(FairshardError, match=f"^[^\n]*{sentence}[^\n]*$"):
        BeamEngine(arguments).label(config, find_shards(config.input))


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--direct_running_mode=threads", "argument --direct_running_mode: invalid choice"),
        ("--direct_num_workers=two", "argument --direct_num_workers: invalid int value: 'two'"),
    ],
)
def test_a_value_that_beam_does_not_take_is_a_sentence(
    argument: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError, match=f"Beam does not take its options: {said}"):
        BeamEngine([argument])
    assert capsys.readouterr().err == ""


def test_fewer_workers_than_none_are_a_sentence() -> None:
    with pytest.raises(ConfigError, match="0, for one a core, or more"):
        BeamEngine(["--direct_num_workers=-1"])
