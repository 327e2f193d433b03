"""The frontier: its points and marks, its file, and the command that writes it."""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from jobs.cli import main
from jobs.decide import frontier as job
from tests.outputs import config_for, finished_output
from tests.problems import corpus, random_corpus
from tests.tarmaking import make_tar
from transforms.config.sections import Balance
from transforms.feasibility.frontier import Frontier, Mark, frontier
from transforms.feasibility.rates import largest_rate
from transforms.m4.balance import balance
from transforms.plan.plan import read_plan
from transforms.report.frontier import FrontierOrigin, fits
from transforms.statistics.measures import effective_samples
from transforms.storage import paths
from transforms.storage.files import Storage

ASKED = Balance(eta=0.7, max_representation_bias=0.02, max_association_bias=0.03)


@pytest.fixture(scope="module")
def found() -> Frontier:
    samples = random_corpus(3, 4000, 2, 5, tilt=0.8)
    return frontier(samples.histogram, samples.attributes, ASKED, 20)


def test_points_run_from_a_fiftieth_of_Q_to_Q_through_what_matters(found: Frontier) -> None:
    rates = [point.rate for point in found.points]
    assert len(rates) == 20 and rates == sorted(set(rates))
    assert (rates[0], rates[-1]) == (0.02, 1.0)
    assert 0.7 in rates and found.largest in rates and found.chosen == 0.7
    gap_at = {rate: high - low for low, high in pairwise(rates) for rate in (low, high)}
    assert gap_at[found.largest] < 0.05


def test_points_are_spent_where_constraints_change(found: Frontier) -> None:
    low, high = (
        [b - a for a, b in pairwise(side)]
        for side in (
            [point.rate for point in found.points if point.rate < 0.8 * found.largest],
            [point.rate for point in found.points if point.rate > found.largest],
        )
    )
    assert min(low) > 2 * np.median(high)


def test_all_is_attained_up_to_the_largest_rate_and_not_beyond(found: Frontier) -> None:
    for point in found.points:
        if point.rate <= found.largest:
            assert point.RB <= 0.02 + 1e-6 and point.AB <= 0.03 + 1e-6
            assert point.missed == 0
        else:
            assert point.RB > 0.02 + 1e-6 or point.AB > 0.03 + 1e-6
            assert point.missed > 0


def test_a_point_is_what_the_rate_gives_by_itself(found: Frontier) -> None:
    samples = random_corpus(3, 4000, 2, 5, tilt=0.8)
    for point in (found.points[4], found.points[-4]):
        alone = balance(samples.histogram, samples.attributes, ASKED.at(point.rate))
        kept = effective_samples(samples.histogram, alone.solution.q)
        assert point.effective == pytest.approx(kept / 4000, rel=1e-4)
        found_biases = (point.RB, point.AB)
        assert found_biases == pytest.approx(
            (alone.measures.max_RB, alone.measures.max_AB), abs=1e-4
        )
        assert point.missed == len(alone.solution.missed)


def test_at_the_full_rate_the_corpus_is_what_it_was(found: Frontier) -> None:
    last = found.points[-1]
    assert last.effective == pytest.approx(1.0)
    samples = random_corpus(3, 4000, 2, 5, tilt=0.8)
    largest = largest_rate(samples.histogram, samples.attributes, ASKED)
    assert (found.largest, found.upper) == (largest.rate, largest.upper)


def test_marks_of_one_attribute_have_a_closed_form() -> None:
    """With 30 % carrying it and RB = 0.1, the share is short at every rate, and too short from
    0.75 on; the other side never is.
    """
    samples = corpus([[1], [0]], [[], []], counts=[300, 700])
    asked = Balance(eta="auto", max_representation_bias=0.1)
    found = frontier(samples.histogram, samples.attributes, asked, 24)
    assert found.chosen == found.largest == 0.75
    (mark,) = found.marks
    assert mark.constraint == "share of people.0, from below" and mark.binds == 0.02
    assert mark.missed is not None and 0.75 < mark.missed < 0.76
    assert found.constraints == 1


def test_a_mark_in_words() -> None:
    assert Mark("a", 0.02, None).in_words(0.02) == "binds at every rate"
    assert Mark("a", 0.3, 0.5).in_words(0.02) == "binds from 0.3, is missed from 0.5"
    assert Mark("a", None, 0.5).in_words(0.02) == "is missed from 0.5"


def test_what_is_written_is_read(found: Frontier) -> None:
    assert Frontier.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def _write_shard(folder: Path) -> None:
    (folder / "in").mkdir()
    entries = []
    for number in range(200):
        who = "woman" if number % 4 == 0 else "man"
        found = ["book"] if number % (3 if who == "woman" else 5) < 2 else []
        entries += [
            (f"{number:06d}.txt", f"a {who}".encode()),
            (f"{number:06d}.json", json.dumps({"objects": found}).encode()),
        ]
    (folder / "in" / "a.tar").write_bytes(make_tar(entries))


def _output(folder: Path, eta: float) -> Storage:
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    config = config_for(
        folder,
        input={"members": {"image": []}},
        attributes={"people": {"share_of": "group", "names": names}},
        labels={"object": {"field": "objects", "names": ["book"]}},
        balance={"eta": eta},
    )
    (folder / "config.json").write_text(config.model_dump_json())
    return finished_output(config)


def test_the_command_writes_it_and_it_fits_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_shard(tmp_path)
    storage = _output(tmp_path, 0.5)
    command = ["fairshard", "frontier", str(tmp_path / "config.json"), "--points", "10"]
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    summary = json.loads(capsys.readouterr().out)
    assert summary["samples"] == 200 and len(summary["points"]) == 10
    assert Path(summary["frontier"]).is_file()
    document = json.loads(storage.read(paths.FRONTIER))
    assert Frontier.from_dict(document) == Frontier.from_dict(summary)
    plan, origin = read_plan(storage), FrontierOrigin.model_validate(document)
    assert fits(origin, plan)
    console = Console(width=200, record=True, file=sys.stderr)
    job.show(summary, console)
    shown = console.export_text()
    assert f"attainable up to eta = {summary['largest']:g}" in shown
    assert "share of people.woman, from below: binds at every rate" in shown
    other_rate = read_plan(_output(tmp_path, 0.3))
    assert fits(origin, other_rate)
    looser = origin.model_copy(update={"asked": {**origin.asked, "max_representation_bias": 0.2}})
    assert not fits(looser, plan)
    relabelled = {**origin.fingerprint, "labels": "other"}
    assert not fits(origin.model_copy(update={"fingerprint": relabelled}), plan)
