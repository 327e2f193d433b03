"""Every artefact of an output, damaged in every way: no command gives a traceback, reruns heal."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.commands import run as fairshard
from tests.damages import damages_of, restore
from tests.fixtures import config_of, tree, write_corpus
from tests.runs import begun
from transforms.storage import paths
from transforms.storage.files import Storage

ON_BEAM = ("--", "--runner=FnApiRunner")


@dataclass(frozen=True)
class Finished:
    """A finished output, what it was, and the commands that look at it."""

    output: Path
    pristine: Path
    config: Path

    def damage(self, name: str, kind: str) -> None:
        """Make all as it was, but for the one file."""
        restore(self.output, self.pristine)
        (path,) = self.output.glob(name)
        damages_of(name)[kind](path)

    @property
    def commands(self) -> dict[str, tuple[object, ...]]:
        """The commands that run no engine, but for `report` and `gate`."""
        config, output = self.config, self.output
        return {
            "status": ("status", output),
            "failed": ("failed", output),
            "summary": ("summary", config),
            "metrics": ("metrics", output),
            "rebalance": ("rebalance", config, "--dry-run"),
            "solve": ("solve", config, "--dry-run"),
            "resample": ("resample", config, "--dry-run"),
            "check": ("check", config),
            "verify": ("verify", output),
            "compare": ("compare", config),
            "suggest": ("suggest", config),
            "report": ("report", output),
            "calibrate": ("calibrate", config, self.config.with_name("checked.csv")),
            "clean": ("clean", output),
        }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    folder = tmp_path_factory.mktemp("damaged")
    truths = write_corpus(folder, samples=80, shards=2)
    checked = [f"{truth.key},gender.woman,{int('woman' in truth.words)}" for truth in truths]
    (folder / "checked.csv").write_text("\n".join(["key,attribute,truth", *checked]))
    balance = {"eta": 0.5, "max_representation_bias": 0.1}
    settled = config_of(
        folder, balance=balance, output={"url": str(folder / "out"), "samples_per_shard": 10}
    )
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(settled.model_dump(mode="json", exclude_unset=True)))
    assert fairshard("rebalance", config, "--allow-unmet", *ON_BEAM) == 0
    assert fairshard("frontier", config, "--points", "8") == 0
    begun(Storage(str(folder / "out")), "label", "00000", 60, error="no space left")
    shutil.copytree(folder / "out", folder / "pristine")
    yield Finished(folder / "out", folder / "pristine", config)


READERS = {
    paths.RUN: ("status", "failed", "summary", "metrics"),
    paths.WORK: ("status", "failed"),
    paths.PLAN: ("status", "summary", "metrics", "rebalance"),
    paths.MANIFEST: ("status", "summary", "metrics", "rebalance"),
    paths.FRONTIER: ("report",),
    "done/labels/00000--*.json": ("status", "failed", "metrics", "rebalance"),
    paths.output_record(paths.output_shard(0)): ("status", "metrics", "rebalance"),
    "attempts/label/00000.json": ("status", "failed", "clean"),
    paths.validation("plan"): ("summary",),
    paths.PATTERNS: ("summary", "verify", "rebalance"),
    "labels/00000--*.parquet": ("verify", "compare", "suggest", "calibrate"),
    "rejects/00000--*.parquet": ("failed", "verify"),
}
OTHERS = ("verify", "compare", "suggest", "solve", "resample", "check", "calibrate", "clean")


@pytest.mark.parametrize("name", READERS)
def test_no_command_gives_a_traceback(
    finished: Finished, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, kind in enumerate(damages_of(name)):
        finished.damage(name, kind)
        for command in {*READERS[name], OTHERS[number % len(OTHERS)]}:
            code = fairshard(*finished.commands[command])
            said = capsys.readouterr()
            told = (name, kind, command, code, said.err[-1500:])
            assert "Traceback" not in said.out + said.err, told
            assert "should not have happened" not in said.err, told
            assert code in {0, 1, 3, 4}, told
            assert code == 0 or command == "verify" or "fairshard: " in said.err, told


def test_what_is_lost_is_said_in_a_line(
    finished: Finished, capsys: pytest.CaptureFixture[str]
) -> None:
    finished.damage(paths.RUN, "cut")
    assert fairshard("status", finished.output) == 0
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert f"{finished.output}/done/run.json cannot be read" in said.err
    assert "the next one writes it again" in said.err


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (paths.RUN, "deep"),
        (paths.WORK, "numbers"),
        (paths.PATTERNS, "magic"),
        (paths.PLAN, "nulls"),
        (paths.MANIFEST, "negative"),
    ],
)
def test_a_rerun_heals_it(finished: Finished, name: str, kind: str) -> None:
    finished.damage(name, kind)
    assert fairshard("rebalance", finished.config, "--allow-unmet", *ON_BEAM) == 0
    assert tree(finished.output) == tree(finished.pristine)
    assert fairshard("status", finished.output) == 0
    assert fairshard("verify", finished.output) == 0
