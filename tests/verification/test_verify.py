"""A second opinion on outputs: clean ones agree, and whatever is changed is noticed and named."""

import gzip
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from jobs.begin.demo.corpus import MODEL
from jobs.cli import main
from tests.fixtures import config_of, write_corpus, write_tar
from tests.naming import label_table
from tests.outputs import finished_output
from tests.tampering import TAMPERING, bumped, edit_json, edit_samples, in_plan
from transforms.base.errors import FairshardError
from transforms.calibration.posteriors import Calibration, Posterior
from transforms.config.schema import schema_of
from transforms.recognition.settings import settings_digest
from transforms.storage.files import Storage
from transforms.verification.checks import Check
from transforms.verification.evidence import read_evidence
from transforms.verification.verifying import verify

SAMPLES = 300
BALANCE = {"eta": 0.5, "max_representation_bias": 0.01, "max_association_bias": 0.04}
SEPARATE = {
    "gender": {
        "names": {
            "woman": {"target": 0.4, "lexicon": ["woman"]},
            "man": {"target": 0.5, "lexicon": ["man"]},
        }
    }
}
NOBODY = {
    "gender": {
        "share_of": "group",
        "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("goblin", "elf")},
    }
}


def checks_of(out: Path, sample: int | None = None) -> dict[str, Check]:
    steps: list[tuple[str, int, int]] = []
    evidence = read_evidence(Storage(str(out)), {})
    checks = verify(evidence, sample, lambda *step: steps.append(step))
    assert all(0 <= done <= total for _, done, total in steps)
    return {check.name: check for check in checks}


def said_by(checks: dict[str, Check], *results: str) -> dict[str, str]:
    return {name: check.remark for name, check in checks.items() if check.result in results}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and its output, not to be changed."""
    folder = tmp_path_factory.mktemp("clean")
    write_corpus(folder, samples=SAMPLES)
    finished_output(config_of(folder, balance={**BALANCE, "max_association_bias": 0.1}))
    return folder


@pytest.fixture
def out(clean: Path, tmp_path: Path) -> Path:
    """A copy of the clean output, to be changed."""
    return Path(shutil.copytree(clean / "out", tmp_path / "copy"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"attributes": SEPARATE},
        {"labels": {}},
        {"utility": {"field": "quality"}},
        {"balance": {**BALANCE, "eta": 1.3, "Q": 3.0}},
        {"balance": {**BALANCE, "eta": 0.95}},
        {"balance": {"eta": 1.0, "Q": 1.0}},
        {"attributes": NOBODY},
        {"output": {"url": "out", "bytes_per_shard": 20_000}},
        {"utility": {"field": "quality"}, "balance": {"eta": 1.3, "Q": 4.0}},
        {
            "balance": {
                **BALANCE,
                "max_label_skew": 0.2,
                "overrides": [{"attributes": "gender", "labels": "thing.tie", "max_label_skew": 1}],
            }
        },
    ],
)
def test_a_clean_output_agrees(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_corpus(tmp_path, samples=SAMPLES)
    finished_output(config_of(tmp_path, **changes))
    checks = checks_of(tmp_path / "out")
    assert not said_by(checks, "differs", "not checked")
    assert checks["payloads"].checked == checks["keys"].checked > 0
    assert checks["draw"].checked == SAMPLES


def test_samples_below_the_quality_filter_are_left_out(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=40)
    model = {"name": f"local-dir:{MODEL}"}
    config = config_of(
        tmp_path, model=model, filter={"min_similarity": 0.16}, utility={"score": "similarity"}
    )
    finished_output(config)
    document = json.loads((tmp_path / "out" / "plan" / "plan.json").read_text())
    assert 0 < document["samples"]["filtered"] < 40
    assert not said_by(checks_of(tmp_path / "out"), "differs", "not checked")


def test_weights_of_a_calibrated_plan_follow_from_its_log_odds(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=SAMPLES)
    config = config_of(tmp_path, balance={**BALANCE, "max_association_bias": 0.1})
    out = Path(finished_output(config).url)
    tables = [pq.read_table(path) for path in sorted((out / "labels").iterdir())]
    names = schema_of(config).pattern_columns
    flags = np.vstack([np.column_stack([table[name] for name in names]) for table in tables])
    woman = flags[:, 0]
    truth = woman ^ (np.random.default_rng(0).random(SAMPLES) < 0.1 + 0.2 * flags[:, 2])
    posteriors = tuple(
        Posterior.of(flags[woman == value], truth[woman == value], 2) for value in (False, True)
    )
    calibration = Calibration(
        ("gender.woman", "gender.man"),
        schema_of(config).labels,
        {"gender.woman": (posteriors[0], posteriors[1])},
        settings_digest(config),
        "",
    )
    path = tmp_path / "calibration.json"
    path.write_bytes(calibration.to_json())
    finished_output(config.model_copy(update={"calibration": str(path)}))
    assert not said_by(checks_of(out), "differs", "not checked")
    path.write_bytes(path.read_bytes() + b" ")
    assert "fingerprint of calibration" in said_by(checks_of(out), "differs")["records"]
    path.unlink()
    assert "calibration that the plan" in said_by(checks_of(out), "not checked")["records"]


def test_shards_that_share_keys_may_be_compressed_and_hold_rejects(tmp_path: Path) -> None:
    long = "a" * 95
    for shard in ("a", "b", "c"):
        keys = ("x", "x-1", "y", long, *(f"{shard}{number}" for number in range(20)))
        members = {
            f"{key}.{extension}": content
            for key in keys
            for extension, content in {
                "txt": f"a {'man' if key[-1] in 'x13579' else 'woman'} of {shard}".encode(),
                "json": b"{" if key == "y" else b'{"words": ["tie"]}',
                "bin": key.encode() * 300,
            }.items()
        }
        write_tar(tmp_path / "in" / f"{shard}.tar", members)
    plain = tmp_path / "in" / "b.tar"
    plain.with_suffix(".tar.gz").write_bytes(gzip.compress(plain.read_bytes())[:-9])
    plain.unlink()
    config = config_of(
        tmp_path,
        input={"shards": "in/*.tar*", "limits": {"max_reject_share": 0.5}},
        balance={"eta": 1.6, "Q": 3.0, "max_association_bias": None},
        output={"url": "out", "samples_per_shard": 25},
    )
    finished_output(config)
    checks = checks_of(tmp_path / "out")
    assert not said_by(checks, "differs", "not checked")
    assert "as input shards share keys" in checks["keys"].remark
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["totals"]["repeats"] > 0 < manifest["totals"]["rejected"]


@pytest.mark.parametrize("changed", TAMPERING)
def test_what_is_changed_is_noticed_and_named(out: Path, changed: str) -> None:
    tamper, check, remark = TAMPERING[changed]
    assert not said_by(checks_of(out), "differs")
    tamper(out)
    differing = said_by(checks_of(out), "differs")
    assert remark in differing.get(check, ""), differing


def test_a_sample_of_weight_1_cannot_be_left_out(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60)
    out = Path(finished_output(config_of(tmp_path, balance={"eta": 1.0, "Q": 1.0})).url)
    edit_samples(out, 1, lambda samples: samples.pop(5))
    assert "came 0 times, its weight is 1.000000" in said_by(checks_of(out), "differs")["draw"]


def test_a_biased_choice_of_samples_is_no_drawing_error(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=600, shards=2)
    config = config_of(tmp_path, output={"url": "out", "samples_per_shard": 1000})
    out = Path(finished_output(config).url)

    def less_of_what_is_first(samples: list[bytes]) -> None:
        kept = [sample for sample in samples if b" woman" not in sample]
        samples[:] = [*kept, *[sample for sample in samples if b" woman" in sample][:40]]

    edit_samples(out, 0, less_of_what_is_first)
    assert "RB of gender.woman is -" in said_by(checks_of(out), "differs")["sampling"]


def test_where_inputs_are_gone_payloads_are_not_called_equal(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=SAMPLES)
    config = config_of(tmp_path)
    finished_output(config)
    (tmp_path / "in" / "00001.tar").unlink()
    checks = checks_of(tmp_path / "out")
    assert not said_by(checks, "differs")
    remarks = said_by(checks, "not checked")
    assert set(remarks) == {"inputs", "payloads"}
    assert all("00001.tar does not exist" in remark for remark in remarks.values())


def test_a_plan_that_drops_everybody_must_say_that_nothing_is_met(tmp_path: Path) -> None:
    members = {
        f"{number:03d}.{extension}": content
        for number in range(40)
        for extension, content in {
            "txt": b"a man" if number < 10 else b"a hat",
            "json": b'{"words": []}',
        }.items()
    }
    write_tar(tmp_path / "in" / "a.tar", members)
    config = config_of(tmp_path, balance={"eta": 0.5, "max_association_bias": None})
    out = Path(finished_output(config).url)
    assert not said_by(checks_of(out), "differs")
    plan = json.loads((out / "plan" / "plan.json").read_text())
    for row in plan["constraints"]:
        row["attainable"] = True
    (out / "plan" / "plan.json").write_text(json.dumps(plan))
    differing = said_by(checks_of(out), "differs")
    assert "drops every sample that this is a share of" in differing["what was asked"]


def test_object_stores_are_read_through_their_file_system(clean: Path) -> None:
    store = fsspec.filesystem("memory")
    store.put(str(clean / "out"), "/verified", recursive=True)
    try:
        checks = verify(read_evidence(Storage("memory://verified"), {}), None, lambda *step: None)
    finally:
        store.rm("/verified", recursive=True)
    assert {check.result for check in checks} == {"agrees"}
    assert next(c for c in checks if c.name == "payloads").checked > 0


def test_some_shards_are_read_where_not_all_are_wanted(out: Path) -> None:
    checks = checks_of(out, sample=1)
    left_out = {"inputs", "keys", "draw", "bias after", "as drawn", "sampling"}
    assert set(said_by(checks, "not checked")) == left_out
    assert not said_by(checks, "differs")
    assert checks["shards"].checked == 1


@pytest.mark.parametrize("name", ["plan/plan.json", "manifest.json"])
def test_an_unfinished_output_is_a_sentence(out: Path, name: str) -> None:
    (out / name).write_text("[]")
    with pytest.raises(FairshardError, match="holds no JSON object"):
        checks_of(out)
    edited = out / name
    edited.write_text('{"version": 2}')
    with pytest.raises(FairshardError, match=f"{name}: .*: Field required"):
        checks_of(out)
    edited.unlink()
    with pytest.raises(FairshardError, match=f"no finished output, as {name} is missing: run"):
        checks_of(out)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda out: label_table(out, "00001").unlink(), "00001--.*.parquet is missing"),
        (
            lambda out: label_table(out, "00001").write_bytes(b"PAR1"),
            "is not Parquet that can be read",
        ),
        (lambda out: (out / "plan" / "plan.json").write_text("{"), "is not JSON"),
        (in_plan(lambda d: d.update(version=1)), "is of version 1, and version 2"),
        (in_plan(lambda d: d["labels"].pop()), "contradicts itself"),
        (in_plan(lambda d: d.update(labels=[], constraints=[])), "contradicts itself"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(
    out: Path, change: Callable[[Path], None], expected: str
) -> None:
    change(out)
    with pytest.raises(FairshardError, match=expected):
        checks_of(out)


def test_the_command_says_it_in_a_table_and_by_its_exit_code(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def code_of(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["fairshard", "verify", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    assert code_of(out) == 0
    table = capsys.readouterr().out
    assert "all that was checked agrees" in table
    assert "certificate" in table
    edit_json(out / "manifest.json", bumped("totals", "kept"))
    assert code_of(out, "--json") == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["agrees"] is False
    assert [c["name"] for c in summary["checks"] if c["differences"]] == ["conservation"]
