"""Resumption as a property: after any changes to input, configuration and output, as if fresh."""

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rich.console import Console

from jobs.run import label, rebalance, resample, solve
from tests.fixtures import config_of, tree, write_corpus
from tests.inprocess import Dying, InProcess
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.shards.finding import find_shards

NAMES = ("a", "b", "c")
CONTENTS = 4
LOOSE = {"max_representation_bias": 0.2, "max_association_bias": 0.3}
BALANCES = ({"eta": 0.5, **LOOSE}, {"eta": 0.4, **LOOSE}, {"eta": 0.5, "Q": 2, **LOOSE})
OUTPUTS = ({"samples_per_shard": 20}, {"samples_per_shard": 30})
LABELS = (
    {"thing": {"field": "words", "names": ["doctor", "nurse", "tie"]}},
    {"thing": {"field": "words", "names": ["doctor", "tie"]}},
)
DAMAGE = (
    "labels/*.parquet",
    "rejects/*.parquet",
    "done/labels/*.json",
    "plan/plan.json",
    "plan/patterns.parquet",
    "plan/flips.parquet",
    "plan/draw.parquet",
    "shards/*.tar",
    "done/shards/*.json",
    "done/settings",
    "manifest.json",
    "report/index.html",
)
FOREIGN = ("shards/00000.idx", "shards/wids.json", "done/labels/notes.json", "labels/n.parquet")


class Resumption(RuleBasedStateMachine):
    """A corpus, a configuration and an output, all of which change between runs."""

    def __init__(self) -> None:
        super().__init__()
        self._scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self._scratch.name)
        self.shards = dict.fromkeys(NAMES[:2], 0)
        self.changes: dict[str, Any] = {"balance": BALANCES[0]}
        self.current = False
        self.foreign: set[str] = set()

    def teardown(self) -> None:
        self._scratch.cleanup()

    @initialize()
    def _begin(self) -> None:
        for content in range(CONTENTS):
            write_corpus(self.folder / str(content), samples=40, shards=1, seed=content)
        (self.folder / "in").mkdir()
        for name, content in self.shards.items():
            self.put(name, content)
        self.rebalance()

    @rule(name=st.sampled_from(NAMES), content=st.integers(0, CONTENTS - 1))
    def put(self, name: str, content: int) -> None:
        """A shard is new, or another."""
        (source,) = (self.folder / str(content) / "in").iterdir()
        shutil.copy(source, self.folder / "in" / f"{name}.tar")
        self.shards[name] = content
        self.current = False

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        """A shard is there no more; one is always left."""
        if name in self.shards and len(self.shards) > 1:
            (self.folder / "in" / f"{name}.tar").unlink()
            del self.shards[name]
            self.current = False

    @rule(balance=st.sampled_from(BALANCES), seed=st.integers(0, 1))
    def ask_otherwise(self, balance: dict[str, Any], seed: int) -> None:
        """Another plan is asked for."""
        self.changes |= {"balance": balance, "seed": seed}
        self.current = False

    @rule(output=st.sampled_from(OUTPUTS), labels=st.sampled_from(LABELS))
    def configure(self, output: dict[str, Any], labels: dict[str, Any]) -> None:
        """Other shards, or other labels, are asked for."""
        self.changes |= {"output": {"url": "out", **output}, "labels": labels}
        self.current = False

    @rule(pattern=st.sampled_from(DAMAGE), cut=st.booleans())
    def damage(self, pattern: str, cut: bool) -> None:
        """The first file of a kind is lost, or comes to be cut."""
        for path in sorted((self.folder / "out").glob(pattern))[:1]:
            if path.is_dir():
                shutil.rmtree(path)
            elif cut:
                path.write_bytes(path.read_bytes()[:-20])
            else:
                path.unlink()
            self.current = False

    @rule(name=st.sampled_from(FOREIGN))
    def keep_a_file_there(self, name: str) -> None:
        """Somebody keeps a file of their own in the output."""
        path = self.folder / "out" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
        self.foreign.add(name)

    @rule(output=st.sampled_from(OUTPUTS), written=st.integers(1, 2))
    def be_killed_while_writing(self, output: dict[str, Any], written: int) -> None:
        """A run of another packing dies after some shards."""
        self.changes |= {"output": {"url": "out", **output}}
        self.current = False
        with suppress(KeyboardInterrupt):
            rebalance.run(self.config("out"), Dying(written), quiet())

    @rule(job=st.sampled_from((label.run, solve.run, resample.run)))
    def run_a_stage(self, job: Callable[..., Any]) -> None:
        """One stage runs by itself, or says in a sentence what it misses."""
        try:
            job(self.config("out"), InProcess(), quiet())
        except FairshardError as error:
            assert "run" in str(error)

    @rule()
    def rebalance(self) -> None:
        """All of it runs."""
        rebalance.run(self.config("out"), InProcess(), quiet())
        self.current = True

    @invariant()
    def is_as_if_fresh(self) -> None:
        """After a whole run the output is a fresh one's, and another run touches nothing."""
        if not self.current:
            return
        fresh = self.config("fresh")
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        InProcess().rebalance(fresh, find_shards(fresh.input))
        assert self.artefacts("out") == self.artefacts("fresh")
        before = self.versions()
        rebalance.run(self.config("out"), InProcess(), quiet())
        assert self.versions() == before
        assert all((self.folder / "out" / name).read_text() == "{}" for name in self.foreign)

    def config(self, output: str) -> Config:
        config = config_of(self.folder, gates={"enabled": False}, **self.changes)
        url = str(self.folder / output)
        return config.model_copy(update={"output": config.output.model_copy(update={"url": url})})

    def artefacts(self, output: str) -> dict[str, Any]:
        """What an output holds of the shards that are there, without how its plan was asked for."""
        files: dict[str, Any] = {
            name: content
            for name, content in tree(self.folder / output).items()
            if name not in self.foreign
            and (name.split("/")[0] not in ("labels", "rejects") or Path(name).stem in self.shards)
        }
        files["plan/plan.json"] = {**json.loads(files["plan/plan.json"]), "config": None}
        return files

    def versions(self) -> dict[str, int]:
        """When the artefacts were written."""
        out = self.folder / "out"
        return {name: (out / name).stat().st_mtime_ns for name in tree(out)}


def quiet() -> Console:
    return Console(file=io.StringIO())


TestResumption = Resumption.TestCase
TestResumption.settings = settings(max_examples=8, stateful_step_count=10)
