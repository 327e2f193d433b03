"""What is said of outputs whose plan says what is drawn: met, or missed by how much."""

import json
from pathlib import Path
from typing import Any

from jobs.run import solve
from jobs.session.summary import show, summarise
from tests.fixtures import config_of, write_corpus
from tests.gated import records_of
from tests.gates.test_suites import only
from tests.hand_drawn import hand_drawn
from tests.outputs import finished_output
from tests.runs import quiet
from tests.tampering import edit_json
from transforms.config.sections import Config
from transforms.exports.statements import findings
from transforms.gates.gating import check_output, check_plan
from transforms.gates.results import GateResult
from transforms.outcome.artefacts import read_artefacts
from transforms.outcome.run_metrics import run_metrics, run_text
from transforms.plan.plan import read_plan
from transforms.report.page import write_report
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

LOOSE = {"eta": 0.5, "max_representation_bias": 0.3, "max_association_bias": 0.5}
TIGHT = {"eta": 0.5, "max_representation_bias": 0.001, "max_association_bias": 0.002}
SHARES = {"thing": {"field": "words", "names": {"doctor": {}, "nurse": {"at_most": 0.16}}}}


def drawn(folder: Path, balance: dict[str, Any], **changes: Any) -> Config:
    write_corpus(folder)
    config = config_of(folder, balance=balance, **changes)
    hand_drawn(config, 0)
    return config


def said(summary: dict[str, Any], show: Any = show) -> str:
    console = quiet()
    show(summary, console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def excess(storage: Storage, name: str) -> float:
    return float(summarise(storage)["bias"][name]["missed_by"])


def plan_gate(config: Config) -> GateResult:
    plan = read_plan(output_storage(config.output))
    return check_plan(plan, records_of(config), config)


def test_what_is_met_is_met_with_no_word_of_chance(tmp_path: Path) -> None:
    config = drawn(tmp_path, LOOSE)
    storage = output_storage(config.output)
    text = said(summarise(storage))
    planned = said(solve.planned(storage), solve.show)
    assert "\nEverything asked for is met.\n" in text
    assert "\nEverything asked for is met, as drawn.\n" in planned
    for line, when in ((text, "after"), (planned, "after, as drawn")):
        row = summarise(storage)["bias"]["AB"]
        after = f"{row['after']:.4f} {when} ({row['worst']}); asked for <= 0.5000: met"
        assert f" before, {after}\n" in line
    page = Path(write_report(storage)).read_text()
    card = " ".join(map(str, findings(read_artefacts(storage))))
    metrics = run_text(run_metrics(storage), storage)
    for document in (text, planned, page, card, metrics):
        assert "sampling error" not in document
    assert summarise(storage)["bias"]["AB"]["standard_error"] is None
    assert summarise(storage)["bias"]["AB"]["allowed_standard_errors"] == 0
    assert check_output(read_artefacts(storage), config).warnings == ()
    assert plan_gate(config).unmet == ()


def test_what_whole_samples_miss_is_said_with_what_would_help(tmp_path: Path) -> None:
    config = drawn(tmp_path, TIGHT)
    storage = output_storage(config.output)
    by = {name: f"{name} by {excess(storage, name):.2g}" for name in ("RB", "AB")}
    sentence = (
        f"The plan meets everything asked for (to 1e-06), but whole samples miss {by['RB']} and "
        f"{by['AB']}, the least that was found: a larger corpus, a looser bound or a lower eta "
        "helps."
    )
    text = said(summarise(storage))
    planned = said(solve.planned(storage), solve.show)
    for document in (text, planned):
        assert f"\ndone, unmet: {sentence}\n" in document
        assert f": missed {by['AB'].removeprefix('AB ')}\n" in document
    page = Path(write_report(storage)).read_text()
    assert f"<h1>{sentence}</h1>" in page and "<small>by " in page
    result = check_output(read_artefacts(storage), config)
    assert not result.failures and result.unmet
    found = plan_gate(config)
    assert found.unmet == ("RB", "AB")
    warning = "what is drawn meets what was asked, but RB is missed by"
    assert any(warning in said for said in found.warnings)


def test_where_the_rate_is_left_open_a_lower_one_is_no_advice(tmp_path: Path) -> None:
    storage = output_storage(drawn(tmp_path, {**TIGHT, "eta": "auto"}).output)
    assert "found: a larger corpus or a looser bound helps." in said(summarise(storage))


def test_an_output_that_is_not_what_its_plan_draws_fails(tmp_path: Path) -> None:
    config = drawn(tmp_path, LOOSE)
    storage = output_storage(config.output)
    edit_json(Path(storage.path(paths.MANIFEST)), lambda m: m["measures"].update(RB=[0.31, 0.3]))
    text = said(summarise(storage))
    assert (
        "\ndone, unmet: The output misses RB by 0.01, and is not what its plan draws: "
        "`fairshard verify` says what differs.\n" in text
    )
    result = check_output(read_artefacts(storage), config)
    assert result.unmet == ("RB of gender.woman",)
    assert "bias after is within what was asked, or what the plan says is drawn" in only(
        result, "critical"
    )


def test_shares_are_met_or_missed_as_measured(tmp_path: Path) -> None:
    alone = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": None}
    storage = output_storage(drawn(tmp_path, alone, labels=SHARES).output)
    share = json.loads(Path(storage.path(paths.MANIFEST)).read_text())["measures"]["label_share"][1]
    line = next(line for line in said(summarise(storage)).splitlines() if "thing.nurse" in line)
    missed = f"missed by {share - 0.16:.2g}" if share > 0.16 else "met"
    assert line.endswith(f" before, {share:.4f} after; asked for at most 0.16: {missed}")


def test_nothing_is_met_where_nothing_is_drawn(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=8, shards=1)
    storage = finished_output(config_of(tmp_path, balance={**LOOSE, "eta": 0.01}))
    summary, planned = summarise(storage), solve.planned(storage)
    assert not summary["met"] and not planned["met"]
    assert summary["verdict"] == planned["verdict"]
    assert summary["verdict"].startswith(
        "No sample is drawn, so that nothing is met: the weights add up to 0.08 copies in all;"
    )
