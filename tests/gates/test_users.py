"""The user's own expectations: read, placed, evaluated, and refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.gated import finished, labels_result, output_result, plan_result, write_own
from transforms.base.errors import ConfigError
from transforms.config.sections import Config
from transforms.gates.users import read_own

UTILITY_MEAN = {
    "stage": "labels",
    "type": "expect_column_mean_to_be_between",
    "column": "utility",
    "min_value": 2,
    "severity": "warning",
    "says": "samples are of use",
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return finished(tmp_path_factory.mktemp("users"))


def entry(kind: str, **kwargs: Any) -> dict[str, Any]:
    return {"stage": "labels", "type": f"expect_{kind}", **kwargs}


def test_each_gate_takes_its_own_with_their_severity_and_words(
    config: Config, tmp_path: Path
) -> None:
    url = write_own(
        tmp_path,
        UTILITY_MEAN,
        {**entry("column_values_to_be_between", column="patterns", max_value=1), "stage": "plan"},
        {
            **entry("column_max_to_be_between", column="samples", max_value=39),
            "stage": "output",
            "table": "shards",
        },
    )
    found = labels_result(config, read_own(url, "labels"))
    assert (found.failures, found.warnings) == (
        (),
        ("samples are of use, but utility gives 1",),
    )
    found = plan_result(config, read_own(url, "plan"))
    assert found.failures[0].startswith(
        "expect column values to be between (column = patterns, max_value = 1), but patterns is "
    )
    found = output_result(config, read_own(url, "output"))
    assert found.failures[0].endswith("but samples gives 40")


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        (entry("column_to_exist", column="size"), True),
        (entry("column_values_to_not_be_null", column="key"), True),
        (entry("column_values_to_be_between", column="utility", min_value=1, max_value=1), True),
        (entry("column_values_to_be_between", column="size", min_value=1, max_value=9), False),
        (entry("column_min_to_be_between", column="offset", min_value=0, max_value=0), True),
        (entry("column_max_to_be_between", column="offset", max_value=0), False),
        (entry("column_mean_to_be_between", column="s.gender.woman", max_value=0.5), True),
        (entry("column_mean_to_be_between", column="s.gender.man", max_value=0.5), False),
        (entry("column_sum_to_be_between", column="utility", min_value=300, max_value=300), True),
        (entry("column_values_to_be_between", column="reject_share", max_value=0.01), True),
        (entry("column_values_to_be_between", table="shards", column="rows", max_value=99), False),
    ],
)
def test_expectations_of_rows_hold_of_metrics(
    config: Config, tmp_path: Path, given: dict[str, Any], holds: bool
) -> None:
    own = read_own(write_own(tmp_path, given), "labels")
    assert labels_result(config, own).passed is holds


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (entry("column_to_be_nice", column="utility"), "unknown type 'expect_column_to_be_nice'"),
        (entry("query_results_to_match_comparison"), "of an unknown type"),
        (entry("column_min_to_be_between", column="utilty"), "unknown column utilty; there are"),
        (entry("column_min_to_be_between", table="row", column="key"), "unknown table 'row'"),
        (entry("column_min_to_be_between", column="utility", min_value="x"), "is not right: "),
        (
            entry("column_mean_to_be_between", column="utility", row_condition="__import__('os')"),
            "gives 'row_condition', which is not taken",
        ),
        (entry("column_values_to_be_in_set", column="size", value_set={"a": 1}), "'value_set'"),
        (
            entry("column_values_to_match_regex", column="key", regex="^0"),
            "needs the rows of label tables, and the beam engine evaluates metrics of them",
        ),
        (
            entry("column_values_to_be_between", column="utility", max_value=1, mostly=0.9),
            "expect_column_values_to_be_between with mostly needs the rows",
        ),
        ({"type": "expect_column_to_exist"}, "entry 1 of .*: stage: Field required"),
        ({**entry("column_to_exist"), "severity": "fatal"}, "severity: Input should be"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    config: Config, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    url = write_own(tmp_path, given)
    with pytest.raises(ConfigError, match=said) as raised:
        labels_result(config, read_own(url, "labels"))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_missing_or_no_list_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    with pytest.raises(ConfigError, match=r"own\.json does not exist: correct gates\.expectations"):
        read_own(str(path), "labels")
    path.write_text("{")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        read_own(str(path), "labels")
    path.write_text("stage: labels")
    with pytest.raises(ConfigError, match="should be a list of expectations"):
        read_own(str(path), "labels")
    path.write_text(json.dumps([UTILITY_MEAN]))
    assert [given.says for given in read_own(str(path), "labels")] == ["samples are of use"]
    path.write_text("- !!python/object/apply:os.system [true]")
    with pytest.raises(ConfigError, match="is not valid YAML"):
        read_own(str(path), "labels")
