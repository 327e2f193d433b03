"""Derived names verified: derived again, by other code, and held to what the configuration says."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures import config_of, write_corpus
from tests.outputs import finished_output
from tests.tampering import edit_json
from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.storage.files import Storage
from transforms.verification.checks import Check
from transforms.verification.configured import ConfigEntry
from transforms.verification.derivation import rules_of, shares_asked
from transforms.verification.evidence import read_evidence
from transforms.verification.verifying import verify

ATTRIBUTES: dict[str, Any] = {
    "gender": {
        "share_of": "group",
        "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
    },
    "dress": {
        "share_of": "group",
        "names": {
            "tie": {"target": 0.3, "field": {"path": "words", "values": "tie"}},
            "none": {"target": 0.7, "none_of": ["tie"]},
        },
    },
    "who": {
        "crossed": ["gender", "dress"],
        "names": {"woman x tie": {"target": 0.15}, "man x none": {"at_most": 0.6}},
    },
}
LABELS: dict[str, Any] = {
    "thing": {
        "field": "words",
        "names": {
            "doctor": {},
            "nurse": {},
            "medic": {
                "any_of": ["doctor", "nurse"],
                "none_of": ["who.man x tie"],
                "at_least": 0.05,
            },
        },
    },
    "tie": {"crossed": ["thing", "dress"]},
}
BALANCE = {
    "eta": 0.4,
    "max_representation_bias": 0.1,
    "max_association_bias": 0.5,
    "overrides": [{"attributes": "who.woman x tie", "max_representation_bias": 0.12}],
}


def derived(folder: Path) -> Config:
    return config_of(folder, attributes=ATTRIBUTES, labels=LABELS, balance=BALANCE)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a corpus with derived names, not to be changed."""
    folder = tmp_path_factory.mktemp("clean")
    write_corpus(folder)
    finished_output(derived(folder))
    return folder / "out"


def checks_of(out: Path) -> dict[str, Check]:
    checks = verify(read_evidence(Storage(str(out)), {}), None, lambda *step: None)
    return {check.name: check for check in checks}


def test_a_clean_output_agrees(clean: Path) -> None:
    checks = checks_of(clean)
    assert not {name: c.remark for name, c in checks.items() if c.result != "agrees"}
    assert checks["what was asked"].checked > 100


def test_rules_and_shares_are_those_of_the_schema(tmp_path: Path) -> None:
    config = derived(tmp_path)
    schema = schema_of(config)
    entry = ConfigEntry.model_validate(config.model_dump(mode="json"))
    rules = rules_of(entry, schema.pattern_columns)
    assert {column: (rule.all_of, rule.any_of, rule.none_of) for column, rule in rules.items()} == {
        d.column: (d.all_of, d.any_of, d.none_of) for d in schema.derived
    }
    made = [column for column in schema.pattern_columns if column not in rules]
    for column, rule in rules.items():
        assert {*rule.all_of, *rule.any_of, *rule.none_of} <= {*made}
        made.append(column)
    asked = shares_asked(entry, schema.pattern_columns)
    assert asked == {a.name: (a.target, a.share_of) for a in schema.attributes}


def _in(*keys: str) -> Callable[[Any], Any]:
    def found(values: Any) -> Any:
        for key in keys:
            values = values[key]
        return values

    return found


@pytest.mark.parametrize(
    ("where", "change", "named"),
    [
        (("labels", "thing", "names", "medic"), {"none_of": []}, "patterns"),
        (("labels", "thing", "names", "medic"), {"any_of": ["doctor"]}, "patterns"),
        (("labels", "thing", "names", "medic"), {"all_of": ["doctor", "nurse"]}, "patterns"),
        (("attributes", "dress", "names", "none"), {"none_of": ["woman"]}, "patterns"),
        (("attributes", "who"), {"names": {}}, "records"),
        (("attributes", "who", "names"), {"man x tie": {"target": 0.2}}, "what was asked"),
        (("attributes", "who", "names"), {"man x none": {"at_most": 0.5}}, "what was asked"),
        (("labels", "thing", "names", "medic"), {"at_least": 0.04}, "what was asked"),
        (("attributes", "who"), {"share_of": "all"}, "what was asked"),
    ],
)
def test_other_rules_than_the_plans_are_noticed(
    clean: Path, tmp_path: Path, where: tuple[str, ...], change: dict[str, Any], named: str
) -> None:
    out = Path(shutil.copytree(clean, tmp_path / "copy"))
    edit_json(out / "plan" / "plan.json", lambda plan: _in(*where)(plan["config"]).update(change))
    checks = checks_of(out)
    assert checks["records"].result == "differs"
    assert checks[named].result == "differs", {n: c.remark for n, c in checks.items()}


@pytest.mark.parametrize(
    ("where", "change", "said"),
    [
        (
            ("attributes", "who"),
            {"crossed": ["dress", "gender"]},
            "who.tie × woman is derived, and",
        ),
        (("attributes", "who"), {"crossed": ["dress", "x"]}, "who is crossed from x, which there"),
        (("attributes", "who"), {"crossed": ["dress", "who"]}, "is derived, and is no attribute"),
        (
            ("attributes", "dress", "names", "none"),
            {"none_of": ["x"]},
            "derived from x, which there",
        ),
        (
            ("attributes", "dress", "names", "none"),
            {"all_of": ["none"]},
            "none follows from itself",
        ),
    ],
)
def test_rules_that_cannot_be_are_a_sentence(
    clean: Path, tmp_path: Path, where: tuple[str, ...], change: dict[str, Any], said: str
) -> None:
    out = Path(shutil.copytree(clean, tmp_path / "copy"))
    edit_json(out / "plan" / "plan.json", lambda plan: _in(*where)(plan["config"]).update(change))
    with pytest.raises(FairshardError, match=f"plan.json contradicts itself: .*{said}"):
        checks_of(out)
