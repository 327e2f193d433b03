"""Truths of derived attributes: what follows from checked samples, and what does not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from jobs.decide import calibrate
from tests.fixtures import config_of, draw_truth, write_corpus
from tests.outputs import finished_output
from transforms.base.errors import StaleError
from transforms.calibration.derived_truths import derived_truths
from transforms.calibration.posteriors import fitting_calibration
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.recognition.settings import settings_digest
from transforms.verification.evidence import read_evidence
from transforms.verification.verifying import verify


def pairs(folder: Path, more: dict[str, object] | None = None, **changes: object) -> Config:
    names = {name: {"target": 0.4, "lexicon": [name]} for name in ("woman", "man")}
    seen = {"woman and nurse": {"target": 0.2, "all_of": ["gender.woman", "thing.nurse"]}}
    neither = {"neither": {"target": 0.1, "none_of": ["woman", "man"]}}
    return config_of(
        folder,
        attributes={"gender": {"names": {**names, **seen, **neither, **(more or {})}}},
        balance={"eta": 0.5, "max_association_bias": 0.3},
        **changes,
    )


def test_they_follow_where_it_is_known_enough(tmp_path: Path) -> None:
    schema = schema_of(pairs(tmp_path))
    keys = pa.array(["a", "b", "c", "d", "e"])
    said = [
        ("a", "gender.woman", True),
        ("b", "gender.woman", False),
        ("c", "gender.man", True),
        ("d", "gender.woman", False),
        ("d", "gender.man", False),
        ("e", "gender.woman", True),
        ("e", "gender.woman and nurse", False),
    ]
    given = pa.table(dict(zip(("key", "attribute", "truth"), zip(*said, strict=True), strict=True)))
    flags = np.zeros((5, 8), np.bool_)
    flags[[0, 1, 4], 5] = True
    flags[[0, 2], 3] = True
    assert schema.pattern_columns[5] == "y.thing.nurse"
    found = derived_truths(given, keys, flags, schema).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("a", "gender.woman and nurse", True),
        ("b", "gender.woman and nurse", False),
        ("c", "gender.woman and nurse", False),
        ("d", "gender.woman and nurse", False),
        ("a", "gender.neither", False),
        ("c", "gender.neither", False),
        ("d", "gender.neither", True),
        ("e", "gender.neither", False),
    ]
    flags[:, 3] = False
    left = derived_truths(given, keys, flags, schema)["attribute"].unique().to_pylist()
    assert left == ["gender.woman and nurse"]


def test_a_calibration_corrects_them_with_what_they_follow_from(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=300)
    config = pairs(tmp_path)
    storage = finished_output(config)
    lines = [
        f"{truth.key},gender.{name},{int(name in truth.words)}"
        for truth in draw_truth(300, 0)
        for name in ("woman", "man")
    ]
    (tmp_path / "checked.csv").write_text("\n".join(["key,attribute,truth", *lines]))
    summary = calibrate.run(config, str(tmp_path / "checked.csv"))
    names = [row["attribute"] for row in summary["attributes"]]
    assert names == [attribute.name for attribute in schema_of(config).attributes]
    assert not [line for line in summary["warnings"] if "not checked" in line]
    calibrated = pairs(tmp_path, calibration=storage.path("calibration.json"))
    assert fitting_calibration(calibrated) is not None
    finished_output(calibrated)
    checks = verify(read_evidence(storage, {}), None, lambda *step: None)
    assert not [(check.name, check.remark) for check in checks if check.result == "differs"]
    derived = {"somebody": {"target": 0.9, "any_of": ["woman", "man"]}}
    other = pairs(tmp_path, derived, calibration=storage.path("calibration.json"))
    assert settings_digest(other) == settings_digest(calibrated)
    with pytest.raises(StaleError, match="was made with other labels"):
        fitting_calibration(other)
