"""Checked samples, found in real label tables and turned into a calibration by the command."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli import main
from jobs.decide import calibrate
from tests.fixtures import config_of, write_corpus
from transforms.base.errors import FairshardError
from transforms.calibration.checked_samples import find_checked, read_checked_samples
from transforms.calibration.posteriors import read_calibration
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, parquet_bytes
from transforms.shards.finding import Shard, find_shards
from transforms.storage.files import output_storage


def labelled(config: Config) -> list[LabelRecord]:
    labeller, storage = Labeller(config), output_storage(config.output)
    return [labeller.label(shard, storage) for shard in find_shards(config.input)]


def csv(path: Path, rows: list[tuple[str, str, object]]) -> str:
    lines = ["key,attribute,truth", *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_checked_samples_are_found_with_their_labels(tmp_path: Path) -> None:
    truths = write_corpus(tmp_path, samples=60, shards=3)
    config = config_of(tmp_path)
    records = labelled(config)
    rows = [(truth.key, "gender.woman", int("woman" in truth.words)) for truth in truths[::4]]
    rows += [("absent", "gender.woman", 1), (truths[0].key, "gender.man", "FALSE")]
    checked = read_checked_samples(csv(tmp_path / "checked.csv", rows + rows[:3]))
    assert checked.table.num_rows == len(rows)
    found = find_checked(checked, records, config, output_storage(config.output))
    assert (found.missing, found.repeated, found.filtered) == (1, 0, 0)
    assert found.samples == 60
    words = ["woman", "man", "doctor", "nurse", "laptop", "tie"]
    by_key = {truth.key: [word in truth.words for word in words] for truth in truths}
    assert sorted(found.keys.to_pylist()) == sorted(truth.key for truth in truths[::4])
    for key, flags in zip(found.keys.to_pylist(), found.flags.tolist(), strict=True):
        assert flags == by_key[key]
    assert found.recognised.tolist() == np.sum([by_key[t.key][:2] for t in truths], 0).tolist()


def test_keys_in_two_shards_are_left_out(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=20, shards=1)
    (tmp_path / "in" / "again.tar").write_bytes((tmp_path / "in" / "00000.tar").read_bytes())
    config = config_of(tmp_path)
    records = labelled(config)
    checked = read_checked_samples(csv(tmp_path / "c.csv", [("0000003", "gender.woman", 1)]))
    found = find_checked(checked, records, config, output_storage(config.output))
    assert (found.missing, found.repeated, len(found.keys)) == (0, 1, 0)
    with pytest.raises(FairshardError, match=r"no checked sample of gender.woman"):
        calibrate.run(config, checked.origin)


def test_samples_below_the_filter_are_left_out(tmp_path: Path) -> None:
    config = config_of(tmp_path, filter={"min_similarity": 0.5}, model={"name": "ViT-B-32"})
    storage, schema = output_storage(config.output), schema_of(config)
    rows = {name: [False, True] * 5 for name in schema.arrow.names}
    rows |= {"key": [str(row) for row in range(10)], "offset": [0] * 10, "size": [1] * 10}
    rows |= {"score.similarity": [0.1] * 4 + [0.9] * 6, "utility": [1.0] * 10}
    content = parquet_bytes(pa.table(rows, schema=schema.arrow))
    storage.publish("labels/a.parquet", content)
    shard = Shard("a", "a.tar", 1, "0")
    record = LabelRecord(shard, "", 10, 0, {}, len(content), digest(content), {})
    checked = [(str(row), "gender.woman", 1) for row in range(2, 8)]
    found = find_checked(
        read_checked_samples(csv(tmp_path / "c.csv", checked)), [record], config, storage
    )
    assert found.keys.to_pylist() == ["4", "5", "6", "7"]
    assert (found.missing, found.repeated, found.filtered) == (0, 0, 2)
    assert found.samples == 6
    assert found.recognised.tolist() == [3, 3]


@pytest.mark.parametrize("kind", [pa.bool_(), pa.int64(), pa.string()])
def test_parquet_says_the_same_as_csv(tmp_path: Path, kind: pa.DataType) -> None:
    truths = [True, False, True]
    given = ["1", "0", "TRUE"] if kind == pa.string() else pa.array(truths).cast(kind)
    table = pa.table({"key": ["a", "b", "c"], "attribute": ["g.x"] * 3, "truth": given})
    pq.write_table(table, tmp_path / "checked.parquet")
    rows = [("a", "g.x", 1), ("b", "g.x", 0), ("c", "g.x", "true")]
    path = csv(tmp_path / "checked.csv", rows)
    found = read_checked_samples(str(tmp_path / "checked.parquet")).table.to_pylist()
    assert found == read_checked_samples(path).table.to_pylist()
    assert [row["truth"] for row in found] == truths


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("key,attribute\na,b\n", "has no column 'truth': give the columns key, attribute, truth"),
        ("key,attribute,truth\na,g.x,1\na,g.x,maybe\n", "the truth of row 2 is 'maybe': give 0"),
        ("key,attribute,truth\na,g.x,\n", "the truth of row 1 is ''"),
        ("key,attribute,truth\na,g.x,1\na,g.x,0\n", r"both 0 and 1 of 1 pairs .* \(a and g.x"),
        ("key,attribute,truth\na,g.x\n", "cannot be read: .*Expected 3 columns"),
        ("", "cannot be read: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_sentence(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "checked.csv"
    path.write_text(text)
    with pytest.raises(FairshardError, match=said):
        read_checked_samples(str(path))
    with pytest.raises(FairshardError, match=r"none.csv do not exist"):
        read_checked_samples(str(tmp_path / "none.csv"))


def test_unknown_attributes_are_said(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=20, shards=1)
    config = config_of(tmp_path)
    labelled(config)
    path = csv(tmp_path / "checked.csv", [("0000003", "gender.child", 1)])
    with pytest.raises(FairshardError, match=r"'gender.child'; there are gender.woman, gender.man"):
        calibrate.run(config, path)


def test_the_command_writes_a_calibration_and_says_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = write_corpus(tmp_path, samples=300, shards=3)
    config = config_of(tmp_path)
    labelled(config)
    wrong = {truth.key for truth in truths if "woman" in truth.words and "doctor" in truth.words}
    rows = [
        (truth.key, "gender.woman", int("woman" in truth.words and truth.key not in wrong))
        for truth in truths
    ]
    path = csv(tmp_path / "checked.csv", [*rows, ("gone", "gender.woman", 1)])
    summary = calibrate.run(config, path)
    women = [truth for truth in truths if "woman" in truth.words]
    (row,) = summary["attributes"]
    assert row["checked"] == 300
    assert row["recognised"]["true"] == pytest.approx(1 - len(wrong) / len(women))
    assert row["recognised"]["low"] < row["recognised"]["true"] < row["recognised"]["high"]
    assert (row["not_recognised"]["true"], row["sensitivity"]) == (0, 1)
    assert row["specificity"] == pytest.approx(1 - len(wrong) / (300 - len(women) + len(wrong)))
    assert summary["warnings"] == [
        "keys left out: 1 in no label table",
        "not checked, and so taken as recognised: gender.man",
    ]
    calibration = read_calibration(summary["calibration"])
    assert Path(summary["calibration"]) == tmp_path / "out" / "calibration.json"
    doctor = calibration.odds.to_dict(calibration.attributes, calibration.labels)
    assert doctor["gender.woman"][1].get("y.thing.doctor", 0) <= 0

    values = json.loads(config.model_dump_json())
    (tmp_path / "config.yaml").write_text(json.dumps(values))
    few = csv(tmp_path / "few.csv", rows[:60])
    command = ["fairshard", "calibrate", str(tmp_path / "config.yaml"), few]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    said = capsys.readouterr().out
    assert "gender.woman" in said
    assert "checked samples are recognised as gender.woman: its interval is wide" in said
