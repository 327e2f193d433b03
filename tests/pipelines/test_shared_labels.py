"""Labels that one engine has made serve outputs of the other."""

import io
from pathlib import Path

from rich.console import Console

from jobs.run.running import run_command
from jobs.session.engines import runner_for
from tests.fixtures import config_of, tree, write_corpus
from transforms.config.sections import Config


def rebalanced(config: Config, *arguments: str) -> str:
    """What a rebalance on the engine of `config` says as it begins."""
    console = Console(file=io.StringIO(), width=500)
    run_command("rebalance", config, runner_for(config, arguments), console, "run")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_both_engines_share_labels_and_write_what_they_write_alone(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=120, shards=3)

    def config(output: str, labels: str | None, engine: str) -> Config:
        place = {"labels": labels} if labels else {}
        url = {"url": output, "samples_per_shard": 40, **place}
        return config_of(tmp_path, output=url, engine={"name": engine})

    rebalanced(config("alone", None, "beam"), "--runner=FnApiRunner")
    rebalanced(config("of_beam", "labelled", "beam"), "--runner=FnApiRunner")
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "labelled").rglob("*")}
    said = rebalanced(config("of_spark", "labelled", "spark"), "--master=local[2]")
    assert "the labels of all 3 shards are kept" in said
    tables = {path: at for path, at in made.items() if path.suffix == ".parquet"}
    assert tables == {path: path.stat().st_mtime_ns for path in tables}
    rebalanced(config("spark_made", "labelled_by_spark", "spark"), "--master=local[2]")
    alone = tree(tmp_path / "alone")
    kept = {name: content for name, content in alone.items() if name.startswith("shards/")}
    for output in ("of_beam", "of_spark", "spark_made"):
        found = tree(tmp_path / output)
        assert {name: found[name] for name in kept} == kept
    by_spark = {
        path.name: path.read_bytes() for path in (tmp_path / "labelled_by_spark/labels").iterdir()
    }
    assert by_spark == {
        path.name: path.read_bytes() for path in (tmp_path / "labelled/labels").iterdir()
    }
