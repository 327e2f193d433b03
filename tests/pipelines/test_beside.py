"""What lies beside shards, and unique keys, on both engines: the same bytes, and warnings heard."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from tests.resampling.test_samples_table import tables_beside

ENGINES = {"beam": ["--direct_num_workers=2"], "spark": ["--master=local[2]"]}
REPEATING = {"eta": 1.3, "Q": 3.0, "max_representation_bias": 0.2}


def test_both_engines_write_the_same_beside_shards_of_unique_keys(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=120)
    tables_beside(tmp_path)
    (tmp_path / "in" / "00002.parquet").write_bytes(b"no table")
    found, commands = {}, {}
    for engine, options in ENGINES.items():
        output = {"url": str(tmp_path / engine), "samples_per_shard": 40, "keys": "unique"}
        config = config_of(
            tmp_path, balance=REPEATING, output=output, gates={"enabled": False}
        ).model_dump(mode="json", exclude_defaults=True)
        path = tmp_path / f"{engine}.yaml"
        path.write_text(yaml.safe_dump({**config, "engine": {"name": engine}}))
        capfd.readouterr()
        assert run("rebalance", path, "--json", "--allow-unmet", "--", *options) == 0
        out = capfd.readouterr().out
        (note,) = json.loads(out)["not_joined"]
        assert re.fullmatch(
            r"the table beside 00002--\w+ is not joined: it is no Parquet that can be read", note
        )
        assert run("rebalance", path, "--allow-unmet", "--", *options) == 0
        out_again = capfd.readouterr().out
        assert f"beside the shards: {note}\n" in out_again
        commands[engine] = json.loads(out)["training_command"]
        assert f"train: {commands[engine]}" in out_again.splitlines()
        assert run("verify", tmp_path / engine, "--json") == 0
        found[engine] = tree(tmp_path / engine)
    assert found["beam"] == found["spark"]
    names = [name for name in found["beam"] if name.startswith("shards/")]
    tables = [name for name in names if name.endswith(".parquet")]
    assert names == sorted(
        ["shards/sizes.json", *tables, *(name.replace(".parquet", ".tar") for name in tables)]
    )
    assert {"url", "width", "q"} <= {*pq.read_table(tmp_path / "beam" / tables[0]).column_names}
    assert commands["spark"] == commands["beam"].replace("/beam/", "/spark/")
