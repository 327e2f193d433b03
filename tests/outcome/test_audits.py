"""What a filter takes and of whom, and what utility alone would: against counts by hand."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.run import solve
from jobs.session.summary import show, summarise
from tests.fixtures import config_of as corpus_config
from tests.fixtures import write_corpus
from tests.labelled import MODEL
from tests.outputs import finished_output, solved
from tests.plan.test_filtered import expected, labelled
from tests.problems import corpus
from tests.runs import quiet
from transforms.config.sections import Config
from transforms.outcome.absences import removed_names
from transforms.outcome.audits import (
    UTILITY,
    Audit,
    CarrierShare,
    audits_of,
    weights_by_utility,
)
from transforms.plan.plan import Plan, read_histogram
from transforms.report.page import write_report
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

FILTERED: dict[str, Any] = {
    "model": {"name": f"local-dir:{MODEL}"},
    "filter": {"min_similarity": 0.16},
    "utility": {"field": "quality"},
}


def planned(config: Config, records: Any) -> tuple[Plan, Histogram]:
    plan = solved(records, config)
    return plan, read_histogram(output_storage(config.output), plan)[0]


def test_the_filter_is_audited_as_it_was_counted(tmp_path: Path) -> None:
    config, records = labelled(tmp_path)
    plan, histogram = planned(config, records)
    (audit,) = audits_of(plan, histogram)
    truth = expected(config)
    whole, taken = truth["labelled"], truth["conditions"][0]["taken"]
    assert (audit.by, audit.sampled) == ("min_similarity", False)
    assert (audit.all.samples, audit.all.taken) == (whole["samples"], taken["samples"])
    for part, names in (("attributes", histogram.attributes), ("labels", histogram.labels)):
        by_hand = {
            name: (n, k) for name, n, k in zip(names, whole[part], taken[part], strict=True) if n
        }
        rows = getattr(audit, part)
        assert {row.name: (row.samples, row.taken) for row in rows} == by_hand
        assert [row.share for row in rows] == sorted((row.share for row in rows), reverse=True)


def test_a_plan_of_a_sample_audits_the_filter_on_all(tmp_path: Path) -> None:
    whole, sampled = (
        planned(*labelled(tmp_path / folder, **changes))
        for folder, changes in (("all", {}), ("part", {"balance": {"max_patterns": 20}}))
    )
    assert sampled[0].file.sampled is not None
    assert audits_of(*sampled) == audits_of(*whole)


def test_a_name_that_the_filter_takes_altogether_is_said_to_be_gone_by_it(tmp_path: Path) -> None:
    config, records = labelled(tmp_path, filter={"min_similarity": 0.9999})
    plan, histogram = planned(config, records)
    assert plan.file.filtered is not None
    gone = [
        (name, whole)
        for part, names in (("attributes", histogram.attributes), ("labels", histogram.labels))
        for name, whole, taken in zip(
            names,
            getattr(plan.file.filtered.labelled, part),
            getattr(plan.file.filtered.conditions[0].taken, part),
            strict=True,
        )
        if whole == taken > 0
    ]
    q = read_histogram(output_storage(config.output), plan)[1]
    found = [
        (one.name, one.before) for one in removed_names(plan, histogram, q) if one.by == "filter"
    ]
    assert gone and found == gone


def utilities(counts: list[int], values: list[float]) -> Histogram:
    """Patterns of one attribute, with these utilities."""
    flags = np.arange(len(counts))[:, None] % 2 == 1
    rows = HistogramAccumulator(("g.a",), ()).add_rows(flags, np.array(values), np.array(counts))
    return rows.extract()


@given(
    st.lists(
        st.tuples(st.integers(1, 50), st.sampled_from([0.0, 0.5, 1.0, 3.0, 40.0])), min_size=1
    ),
    st.floats(0.01, 1.0),
    st.sampled_from([1.0, 1.5, 4.0]),
)
def test_weights_by_utility_are_those_of_the_rate_and_of_one_shift(
    rows: list[tuple[int, float]], share: float, Q: float
) -> None:
    eta = share * Q
    histogram = utilities([count for count, _ in rows], [value for _, value in rows])
    q = weights_by_utility(histogram, eta, Q)
    assert histogram.counts @ q == pytest.approx(eta * histogram.samples)
    shift = eta * histogram.utility - q
    inside = shift[(q > 1e-9) & (q < Q - 1e-9)]
    assert np.ptp(inside) < 1e-9 if inside.size else True
    if inside.size:
        assert np.all(shift[q <= 1e-9] <= inside[0] + 1e-9)
        assert np.all(shift[q >= Q - 1e-9] >= inside[0] - 1e-9)


def test_utility_alone_drops_those_of_less_utility(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=120)
    config = corpus_config(tmp_path, utility={"field": "quality", "scale": 3})
    storage = finished_output(config)
    (audit,) = summarise(storage)["audits"]
    assert (audit["by"], audit["samples"]) == ("utility", 120)
    assert audit["taken"] == pytest.approx(60)
    rows = [*audit["attributes"], *audit["labels"]]
    assert all(0 < row["share"] < 1 for row in rows)
    assert audit["in_words"].startswith(
        "utility alone would drop 50.0% of 120 samples at eta = 0.5: "
    )


def test_where_utility_is_the_same_for_all_nothing_is_said_of_it() -> None:
    histogram = corpus([[1], [0]], [[], []], counts=[3, 7]).histogram
    assert np.ptp(histogram.utility) == 0


def test_the_names_that_are_told_are_those_that_chance_explains_least() -> None:
    rows = (
        CarrierShare("rare", 1, 1),
        *(CarrierShare(f"n{n}", 1000, 100 + 40 * n) for n in range(4)),
    )
    audit = Audit("min_similarity", CarrierShare("", 4000, 400), rows, (), 0.5, False)
    assert str(audit) == (
        "filter.min_similarity took 400 of 4,000 samples (10.0%): 22.0% of n3, 18.0% of n2, "
        "14.0% of n1"
    )
    none = Audit(
        "min_similarity", CarrierShare("", 10, 0), (CarrierShare("a", 5, 0),), (), 0.5, False
    )
    assert str(none) == "filter.min_similarity took 0 of 10 samples"


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """An output whose filter took some, and whose samples differ in utility."""
    folder = tmp_path_factory.mktemp("filtered")
    write_corpus(folder, samples=80)
    return finished_output(corpus_config(folder, **FILTERED))


def said(storage: Storage) -> str:
    console = quiet()
    show(summarise(storage), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_summary_and_report_say_what_was_taken_before_and_of_whom(filtered: Storage) -> None:
    summary = summarise(filtered)
    assert [audit["by"] for audit in summary["audits"]] == ["min_similarity", "utility"]
    assert summary["filter_audited"]
    plan = json.loads(filtered.read(paths.PLAN))
    assert summary["audits"][0]["taken"] == plan["samples"]["filtered"] > 0
    assert "before balancing: filter.min_similarity took " in said(filtered)
    assert "before balancing: utility alone would drop " in said(filtered)
    page = Path(write_report(filtered)).read_text(encoding="utf-8")
    for audit in summary["audits"]:
        for row in (*audit["attributes"], *audit["labels"]):
            assert row["name"] in page
    assert "<h4>filter.min_similarity</h4>" in page and "<h4>utility alone</h4>" in page


def test_solving_says_it_too(filtered: Storage) -> None:
    found = solve.planned(filtered)
    console = quiet()
    solve.show(found, console)
    assert isinstance(console.file, io.StringIO)
    assert found["audits"] == summarise(filtered)["audits"]
    assert "before balancing: filter.min_similarity took " in console.file.getvalue()


def test_a_plan_that_did_not_count_it_says_so(filtered: Storage) -> None:
    plan = json.loads(filtered.read(paths.PLAN))
    del plan["filtered"]
    filtered.publish(paths.PLAN, json.dumps(plan).encode())
    assert [audit["by"] for audit in summarise(filtered)["audits"]] == ["utility"]
    assert not summarise(filtered)["filter_audited"]
    line = "before balancing: it is not known of whom the filter took samples: the plan was made "
    assert line in said(filtered)
    assert "it is not known of whom the filter took" in Path(write_report(filtered)).read_text()
    assert "took" not in summarise(filtered)["audits"][0]["in_words"]


def test_of_a_plan_made_on_a_sample_what_is_not_counted_is_said_to_be_told_from_it(
    tmp_path: Path,
) -> None:
    """Attributes before, as their weights are all 0 here; and utility."""
    balance = {"max_patterns": 20}
    config, records = labelled(tmp_path, filter=None, similarity=True, balance=balance)
    plan, histogram = planned(config, records)
    assert plan.file.sampled is not None
    woman, man = removed_names(plan, histogram, np.zeros(len(histogram)))
    truth = expected(config)["labelled"]["attributes"]
    assert woman.estimated and str(woman).startswith(
        f"attribute people.woman: about {woman.before:,} "
    )
    assert (woman.before, man.before) == pytest.approx(truth, rel=0.5)
    utility = Audit(UTILITY, CarrierShare("", 31, 15.5), (), (), 0.5, sampled=True)
    assert str(utility) == (
        "utility alone would drop 50.0% of 31 samples that were solved on at eta = 0.5"
    )
