"""Derived columns: what they hold, wherever label tables are read, and what they do not cost."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures import config_of, write_corpus
from tests.gated import labels_result, metrics_of, records_of, spoil, write_own
from tests.outputs import finished_output
from transforms.base.errors import FairshardError
from transforms.calibration.checked_samples import Checked, find_checked
from transforms.config.columns import Derived
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.gates.users import read_own
from transforms.labels.derived import stored_columns, with_derived
from transforms.labels.records import finished
from transforms.labels.tables import label_batches, read_labels
from transforms.plan.plan import read_histogram, read_plan
from transforms.proxies.mentions import tally_shard
from transforms.recognition.settings import settings_digest
from transforms.resampling.drawing import draw
from transforms.statistics.counting import count_shard
from transforms.storage.files import output_storage

STORED = ["a", "b", "c"]
PAIRS: dict[str, Any] = {
    "gender": {
        "share_of": "group",
        "names": {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")},
    },
    "tool": {
        "names": {
            "laptop": {"target": 0.3, "field": {"path": "words", "values": "laptop"}},
            "none": {"target": 0.5, "none_of": ["tool.laptop"]},
        }
    },
    "both": {"crossed": ["gender", "tool"], "share_of": "all"},
}
EITHER = {
    "job": {
        "field": "words",
        "names": {
            "doctor": {},
            "nurse": {},
            "medic": {"any_of": ["doctor", "nurse"], "none_of": ["tool.laptop"]},
        },
    }
}


@st.composite
def derivations(draw: st.DrawFn) -> list[Derived]:
    derived: list[Derived] = []
    for number in range(draw(st.integers(1, 5))):
        there = st.lists(st.sampled_from([*STORED, *(d.column for d in derived)]), max_size=3)
        parts = draw(st.tuples(there, there, there).filter(any))
        derived.append(Derived(f"d{number}", "y", "g", f"d{number}", *map(tuple, parts)))
    return derived


@given(derivations(), st.data())
def test_they_hold_what_they_say(derived: list[Derived], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(*[st.booleans()] * 3), max_size=20))
    columns = {name: [row[k] for row in rows] for k, name in enumerate(STORED)}
    parts = [pa.table({k: pa.array(v, pa.bool_()) for k, v in columns.items()})]
    whole = pa.concat_tables([*parts, parts[0].slice(3)])
    wanted = data.draw(st.lists(st.sampled_from([*STORED, *(d.column for d in derived)])))
    table = whole.select(stored_columns(wanted, derived)) if wanted else whole
    found = with_derived(table, derived, wanted)
    assert found.column_names == wanted
    for row, values in zip(whole.to_pylist(), found.to_pylist(), strict=wanted != []):
        for entry in derived:
            row[entry.column] = (
                all(row[part] for part in entry.all_of)
                and (not entry.any_of or any(row[part] for part in entry.any_of))
                and not any(row[part] for part in entry.none_of)
            )
        assert values == {name: row[name] for name in wanted}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A configuration with derived names, and its finished output."""
    folder = tmp_path_factory.mktemp("derived")
    write_corpus(folder)
    config = config_of(folder, attributes=PAIRS, labels=EITHER, balance={"eta": 0.5})
    finished_output(config)
    return config


def expected(row: dict[str, bool]) -> dict[str, bool]:
    woman, man, laptop = (
        row[f"s.{name}"] for name in ("gender.woman", "gender.man", "tool.laptop")
    )
    return {
        "s.tool.none": not laptop,
        "s.both.woman × laptop": woman and laptop,
        "s.both.woman × none": woman and not laptop,
        "s.both.man × laptop": man and laptop,
        "s.both.man × none": man and not laptop,
        "y.job.medic": (row["y.job.doctor"] or row["y.job.nurse"]) and not laptop,
    }


def test_all_that_reads_label_tables_finds_them(output: Config) -> None:
    storage, schema, records = output_storage(output.output), schema_of(output), records_of(output)
    columns = list(schema.pattern_columns)
    assert len(columns) == 11
    plan = read_plan(storage)
    counted = count_shard(records[0], output, storage)
    for record in records:
        table = read_labels(storage, record, columns, schema.derived)
        for row in table.to_pylist():
            assert {name: row[name] for name in expected(row)} == expected(row)
        (batch,) = label_batches(storage, record, columns, schema.derived)
        assert batch == table
        drawn = draw(record, plan, output, storage)
        assert drawn.table.select(columns) == table
        assert drawn.flags.tolist() == [list(row.values()) for row in table.to_pylist()]
        assert not set(expected(dict.fromkeys(columns, False))) & {
            *read_labels(storage, record).column_names
        }
    for record in records[1:]:
        counted.merge(count_shard(record, output, storage))
    histogram, _ = read_histogram(storage, plan)
    assert (counted.extract().patterns == histogram.patterns).all()
    whole = pa.concat_tables(read_labels(storage, r, columns, schema.derived) for r in records)
    assert histogram.counts @ histogram.s == pytest.approx(
        [sum(whole[name].to_pylist()) for name in columns[:8]]
    )


def test_checked_samples_and_mentions_are_counted_by_them(output: Config) -> None:
    storage, record = output_storage(output.output), records_of(output)[0]
    table = pa.table({"key": ["0000001"], "attribute": ["tool.none"], "truth": [True]})
    found = find_checked(Checked(table, "c.csv"), [record], output, storage)
    rows = read_labels(storage, record, derived=schema_of(output).derived)
    assert found.recognised[3] == sum(rows["s.tool.none"].to_pylist())
    assert tally_shard(record, output, "words", storage) is not None


def test_gates_measure_them(output: Config, tmp_path: Path) -> None:
    counts = metrics_of(output).columns
    assert counts["y.job.medic"].trues == sum(
        expected(row)["y.job.medic"]
        for record in records_of(output)
        for row in read_labels(output_storage(output.output), record).to_pylist()
    )
    assert labels_result(output).passed
    own = read_own(
        write_own(
            tmp_path,
            {
                "stage": "labels",
                "type": "expect_column_mean_to_be_between",
                "column": "s.both.man × none",
                "min_value": 0.99,
            },
        ),
        "labels",
    )
    (failure,) = labels_result(output, own).failures
    assert "s.both.man × none" in failure


def test_what_is_no_flag_derives_nothing_at_the_gate(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=30)
    config = config_of(tmp_path, attributes=PAIRS, labels=EITHER, balance={"eta": 0.5})
    finished_output(config)

    def as_numbers(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("y.job.nurse")
        return table.set_column(place, "y.job.nurse", table["y.job.nurse"].cast(pa.int32()))

    spoil(config, as_numbers)
    assert "y.job.nurse is int32, not bool" in labels_result(config).failures[0]
    record = records_of(config)[1]
    with pytest.raises(FairshardError, match="is not a label table"):
        read_labels(
            output_storage(config.output), record, ["y.job.medic"], schema_of(config).derived
        )


def test_nothing_is_labelled_again_where_they_change(output: Config) -> None:
    storage = output_storage(output.output)
    other = config_of(
        Path(output.output.url).parent, attributes={"gender": PAIRS["gender"]}, balance={"eta": 0.5}
    )
    assert settings_digest(other) != settings_digest(output)
    changed = {
        **PAIRS,
        "tool": {
            "names": {
                "laptop": PAIRS["tool"]["names"]["laptop"],
                "all": {"target": 0.1, "all_of": ["woman", "laptop"]},
            }
        },
    }
    config = config_of(
        Path(output.output.url).parent, attributes=changed, labels=EITHER, balance={"eta": 0.5}
    )
    settings = settings_digest(config)
    assert settings == settings_digest(output)
    assert all(finished(record.shard, settings, storage) for record in records_of(config))
    assert "s.both.man × all" in schema_of(config).pattern_columns
