"""Conditions on metadata: what label tables carry for them, what they take, and what is said."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.begin.demo.corpus import MODEL
from jobs.session.summary import show, summarise
from tests.fixtures import config_of, jpeg, write_tar
from tests.outputs import finished_output
from tests.runs import quiet
from tests.tampering import edit_json
from tests.verification.test_verify import checks_of, said_by
from transforms.base.errors import FairshardError
from transforms.config.schema import VALUES
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.tables import read_labels
from transforms.preview.previewing import preview
from transforms.recognition.settings import settings_by_key, settings_digest
from transforms.report.page import write_report
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage

SAMPLES = 120
UNSAFE, RATED = {"field": "punsafe", "below": 0.5}, {"field": "scores.aesthetic", "at_least": 4}
LICENSED = {"field": "license", "not": {"values": ["?", "none"]}}
NAMES = ["punsafe below 0.5", "scores.aesthetic at least 4", "license not (is ? or none)"]
BALANCE = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": 0.9}


def metadata(number: int) -> dict[str, Any]:
    """Scores as numbers, as texts, as null and not at all; licences as lists too."""
    found: dict[str, Any] = {"scores": {"aesthetic": number % 9}}
    if number % 10:
        found["punsafe"] = number / SAMPLES if number % 3 else f"{number / SAMPLES}"
    if number % 4 == 0:
        found["scores"] = None
    found["license"] = ["?", "by"] if number % 7 == 0 else "by" if number % 2 else "none"
    return found


def passing(number: int) -> list[bool]:
    """Whether it passes each of the three conditions, by hand."""
    return [
        number % 10 > 0 and number / SAMPLES < 0.5,
        number % 4 > 0 and number % 9 >= 4,
        number % 7 > 0 and number % 2 > 0,
    ]


def write_scored(folder: Path, metadata_of: Callable[[int], dict[str, Any]] = metadata) -> None:
    """Two shards; every third sample shows a woman."""
    for shard, numbers in enumerate((range(50), range(50, SAMPLES))):
        members: dict[str, bytes] = {}
        for number in numbers:
            who = "man" if number % 3 else "woman"
            members |= {
                f"{number:04d}.jpg": jpeg(number % 5),
                f"{number:04d}.txt": f"a {who}, a {'tie' if number % 2 else 'laptop'}".encode(),
                f"{number:04d}.json": json.dumps(metadata_of(number)).encode(),
            }
        write_tar(folder / "in" / f"{shard:05d}.tar", members)


def scored(folder: Path, *conditions: Any, **changes: Any) -> Config:
    labels = {"thing": {"names": {name: {"lexicon": name} for name in ("tie", "laptop")}}}
    given = {"labels": labels, "balance": BALANCE, "filter": list(conditions), **changes}
    return config_of(folder, **given)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """A finished output of three conditions, not to be changed."""
    folder = tmp_path_factory.mktemp("scored")
    write_scored(folder)
    return finished_output(scored(folder, UNSAFE, RATED, LICENSED))


def plan_of(storage: Storage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(storage.read(paths.PLAN))
    return found


def test_each_condition_and_all_together_are_counted(clean: Storage) -> None:
    by_sample = [passing(number) for number in range(SAMPLES)]
    plan = plan_of(clean)
    filtered = plan["filtered"]
    assert [one["name"] for one in filtered["conditions"]] == NAMES
    for place, condition in enumerate(filtered["conditions"]):
        taken = [number for number, passed in enumerate(by_sample) if not passed[place]]
        women = sum(number % 3 == 0 for number in taken)
        assert condition["taken"]["samples"] == len(taken)
        assert condition["taken"]["attributes"] == [women, len(taken) - women]
    assert [one["lacking"] for one in filtered["conditions"]] == [SAMPLES / 10, SAMPLES / 4, 0]
    balanced = sum(map(all, by_sample))
    assert filtered["together"]["samples"] == SAMPLES - balanced
    assert plan["samples"]["balanced"] == balanced


def test_the_output_holds_what_passes_alone(clean: Storage) -> None:
    manifest = json.loads(clean.read(paths.MANIFEST))
    written = round(sum(map(all, map(passing, range(SAMPLES)))) * 0.5)
    assert abs(manifest["totals"]["written"] - written) <= 1
    assert not said_by(checks_of(Path(clean.url)), "differs", "not checked")


def test_a_changed_bound_labels_nothing_again(tmp_path: Path) -> None:
    config = scored(tmp_path, UNSAFE, RATED)
    for same in (
        scored(tmp_path, {**UNSAFE, "below": 0.1}, {"field": "scores.aesthetic", "present": True}),
        scored(tmp_path, RATED, UNSAFE, {"field": "punsafe", "present": True}),
    ):
        assert settings_digest(same) == settings_digest(config)
        assert settings_by_key(same) == settings_by_key(config)
    assert settings_digest(scored(tmp_path, UNSAFE)) != settings_digest(config)
    assert settings_by_key(config)["filter"] == {"fields": ("punsafe", "scores.aesthetic")}


def test_label_tables_hold_values_in_columns_of_their_own(tmp_path: Path) -> None:
    write_scored(tmp_path)
    config = scored(tmp_path, LICENSED, UNSAFE)
    storage = output_storage(config.output)
    table = read_labels(storage, Labeller(config).label(find_shards(config.input)[0], storage))
    assert table.schema.names[-2:] == ["value.license", "value.punsafe"]
    assert {table.schema.field(name).type for name in table.schema.names[-2:]} == {VALUES}
    nothing = {"number": None, "text": None, "truth": None}
    assert table["value.punsafe"].to_pylist()[:3] == [
        [],
        [{**nothing, "number": 1 / SAMPLES}],
        [{**nothing, "number": 2 / SAMPLES}],
    ]
    assert table["value.punsafe"].to_pylist()[3] == [{**nothing, "text": f"{3 / SAMPLES}"}]
    assert len(table["value.license"].to_pylist()[0]) == 2


def test_summary_and_report_have_an_audit_of_each(clean: Storage) -> None:
    summary, console = summarise(clean), quiet()
    assert [audit["by"] for audit in summary["audits"]] == [*NAMES, "all conditions together"]
    show(summary, console)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "before balancing: filter, punsafe below 0.5 took 66 of 120 samples (55.0%; 12 " in said
    assert "; 12 samples have no value): " in said
    assert "filter, all conditions together took " in said
    page = Path(write_report(clean)).read_text(encoding="utf-8")
    assert "<h4>filter, license not (is ? or none)</h4>" in page
    assert "<dd>punsafe below 0.5; scores.aesthetic at least 4; license not (is ? or none)" in page


def change(path: str, by: int) -> Callable[[dict[str, Any]], None]:
    def changed(plan: dict[str, Any]) -> None:
        *steps, last = path.split(".")
        inner: Any = plan["filtered"]
        for step in steps:
            inner = inner[int(step) if step.isdigit() else step]
        inner[last] += by

    return changed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (change("conditions.1.taken.samples", 1), "taken by scores.aesthetic at least 4 are"),
        (change("together.samples", -1), "taken by all conditions together are"),
        (change("conditions.0.lacking", 1), "13 samples have no value for punsafe below 0.5; in"),
    ],
)
def test_verify_counts_them_again(
    clean: Storage, tmp_path: Path, changed: Callable[[dict[str, Any]], None], said: str
) -> None:
    out = Path(shutil.copytree(clean.url, tmp_path / "out"))
    edit_json(out / paths.PLAN, changed)
    found = said_by(checks_of(out), "differs")
    assert said in found["patterns"]


def test_a_filter_that_another_one_stands_for_is_seen(clean: Storage, tmp_path: Path) -> None:
    def loosened(plan: dict[str, Any]) -> None:
        plan["config"]["filter"][0]["below"] = 0.9

    out = Path(shutil.copytree(clean.url, tmp_path / "out"))
    edit_json(out / paths.PLAN, loosened)
    assert {"patterns", "draw"} <= said_by(checks_of(out), "differs").keys()


def test_similarity_goes_with_other_conditions(tmp_path: Path) -> None:
    write_scored(tmp_path)
    model = {"name": f"local-dir:{MODEL}"}
    conditions = ({"min_similarity": -1}, {"min_similarity": 0.0}, RATED)
    plan = plan_of(finished_output(scored(tmp_path, *conditions, model=model)))
    none, some, rated = plan["filtered"]["conditions"]
    assert (none["name"], none["taken"]["samples"]) == ("min_similarity", 0)
    assert "lacking" not in none and "lacking" not in some
    assert rated["taken"]["samples"] == sum(not passing(n)[1] for n in range(SAMPLES))
    assert not said_by(checks_of(tmp_path / "out"), "differs", "not checked")


def test_a_misspelt_field_is_a_sentence_with_what_was_meant(tmp_path: Path) -> None:
    write_scored(tmp_path)
    with pytest.raises(FairshardError) as caught:
        finished_output(scored(tmp_path, LICENSED, {"field": "score.aesthetic", "at_least": 4}))
    assert str(caught.value) == (
        "no sample is left to balance: filter score.aesthetic at least 4 takes all of 120 samples, "
        "as none has a value in its metadata at score.aesthetic: correct the path; did you mean "
        "'scores.aesthetic'?"
    )
    assert not output_storage(scored(tmp_path).output).exists(paths.PLAN)


def test_conditions_that_take_all_are_said_with_their_counts(tmp_path: Path) -> None:
    write_scored(tmp_path)
    with pytest.raises(FairshardError) as caught:
        finished_output(scored(tmp_path, UNSAFE, {"field": "license", "values": "cc0"}))
    assert str(caught.value) == (
        "no sample is left to balance: of 120 samples that are labelled the filter takes all "
        "(punsafe below 0.5: 66; license is cc0: 120): ask for less"
    )


def test_where_no_sample_has_a_value_and_all_pass_it_is_said(tmp_path: Path) -> None:
    write_scored(tmp_path)
    storage = finished_output(scored(tmp_path, {"field": "nsfw", "not": {"values": True}}))
    (audit,) = summarise(storage)["audits"]
    assert audit["in_words"] == (
        "filter, nsfw not (is true) took 0 of 120 samples (no sample has a value there)"
    )


def test_a_preview_shows_what_each_would_take(tmp_path: Path) -> None:
    write_scored(tmp_path)
    config = scored(tmp_path, UNSAFE, RATED, {"field": "scors", "present": True})
    found = preview(config, find_shards(config.input), SAMPLES)
    assert (found.filtered, found.filtered_by) == (SAMPLES, "the filter")
    table = found.observations[-1]
    assert table.title == "filter, of 120 samples"
    assert [tuple(row.values()) for row in table.rows] == [
        ("punsafe below 0.5", 66, 12),
        ("scores.aesthetic at least 4", sum(not passing(n)[1] for n in range(SAMPLES)), 30),
        ("scors present", SAMPLES, SAMPLES),
    ]
    assert table.advice[0].startswith("filter: the field scors has no value in 120 samples: corr")
    assert table.advice[0] in found.advice
