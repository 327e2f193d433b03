"""A run with bounds on shares, on Beam: what the summary, the report and the gate say of them."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.commands import run
from tests.fixtures import write_corpus

CONFIG = {
    "input": {"shards": "in/*.tar"},
    "attributes": {
        "gender": {
            "names": {
                "woman": {"at_least": 0.4, "lexicon": "woman"},
                "man": {"target": 0.5, "lexicon": "man"},
            }
        }
    },
    "labels": {
        "thing": {"field": "words", "names": {"doctor": {}, "nurse": {"at_most": 0.15}, "tie": {}}}
    },
    "balance": {"eta": 0.5, "max_association_bias": 0.3, "priority": ["share"]},
    "output": {"url": "out", "samples_per_shard": 100},
}
LINE = re.compile(r"share of (\S+) +(\S+) before, (\S+) after; asked for (at \w+ \S+): (.+)")


def test_a_run_holds_shares_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path, samples=300)
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    assert run("rebalance", config, "--", "--runner=FnApiRunner") == 0
    said = LINE.findall(capsys.readouterr().out)
    assert [(name, asked) for name, _, _, asked, _ in said] == [
        ("gender.woman", "at least 0.4"),
        ("thing.nurse", "at most 0.15"),
    ]
    for (_, before, after, asked, status), sign in zip(said, (-1, 1), strict=True):
        bound = float(asked.split()[-1])
        assert sign * (float(before) - bound) > 0.02
        assert sign * (float(after) - bound) <= 1e-4
        assert status == "met"
    page = (tmp_path / "out" / "report" / "index.html").read_text()
    assert "Bounds on shares" in page and "share of thing.nurse" in page
    assert run("verify", tmp_path / "out") == 0
    capsys.readouterr()
    assert run("summary", config, "--json") == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    assert shares[1]["predicted"] == pytest.approx(0.15, abs=1e-6)
    checked = (tmp_path / "out" / "validations" / "output.json").read_text()
    assert json.loads(checked)["passed"]
    config.write_text(yaml.safe_dump({**CONFIG, "balance": {**CONFIG["balance"], "eta": 0.98}}))
    assert run("compare", config) == 0
    assert re.search(r"uniform.*share", capsys.readouterr().out)
