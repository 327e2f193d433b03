"""Labelling shards: resumption, determinism, failing models, and the truth of drawn scenes."""

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from jobs.begin.demo.captions import GROUPS, LEXICON, PHRASES, TEMPLATES
from jobs.begin.demo.corpus import write_corpus
from jobs.begin.demo.evaluate import evenly
from jobs.begin.demo.scenes import jpeg
from tests.labelled import BY_CAPTION, BY_IMAGE, FOX, OWL, Labelled, labelling_config, sample
from tests.tarmaking import make_tar
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord, finished, label_record_from
from transforms.labels.settings import settings_digest
from transforms.labels.tables import parquet_bytes, read_labels
from transforms.shards.finding import Shard, find_shards
from transforms.storage import paths
from transforms.storage.files import Storage


def test_byte_ranges_hold_the_samples(tmp_path: Path) -> None:
    entries = [*sample("a", txt="she", jpg=FOX), *sample("b", jpg=OWL, txt="he")]
    labelled = Labelled(tmp_path, labelling_config(tmp_path, BY_CAPTION), entries)
    content = (tmp_path / "shard.tar").read_bytes()
    for key, row in labelled.rows.items():
        part = content[row["offset"] : row["offset"] + row["size"]]
        with tarfile.open(fileobj=io.BytesIO(part)) as tar:
            assert {name.partition(".")[0] for name in tar.getnames()} == {key}
            assert len(tar.getnames()) == 2


def test_a_missing_shard_is_an_error(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION)
    shard = Shard("gone", str(tmp_path / "gone.tar"), 1, "1")
    with pytest.raises(FairshardError, match=r"gone\.tar does not exist"):
        Labeller(config).label(shard, Storage(config.output.url))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo corpus of 240 scenes in 2 shards, all names equally common."""
    folder = tmp_path_factory.mktemp("scenes")
    write_corpus(folder, samples=240, shards=2, seed=3, planted=evenly(), workers=1)
    return folder


def _demo_config(folder: Path, out: Path, **model: Any) -> Config:
    def names(group: str) -> dict[str, Any]:
        return {name: {"prompts": PHRASES[group][name]} for name in PHRASES[group] if name}

    def zero_shot(group: str) -> dict[str, Any]:
        absent = PHRASES[group].get(None, ())[:1]
        return {"templates": TEMPLATES[group], "none_of_these": absent, "threshold": 0.5}

    figure, *others = GROUPS
    attributes = {
        figure: {
            "zero_shot": zero_shot(figure),
            "names": {name: spec | {"target": 0.3} for name, spec in names(figure).items()},
        }
    }
    labels: dict[str, Any] = {
        group: {"zero_shot": zero_shot(group), "names": names(group)} for group in others
    }
    said = {name: {"lexicon": LEXICON[name]} for name in names(figure)}
    return labelling_config(
        folder / "shards",
        attributes,
        labels=labels | {"said": {"names": said}},
        output={"url": str(out)},
        similarity=True,
        utility={"score": "similarity", "scale": 10},
        model=model,
    )


def _label_all(config: Config) -> tuple[list[LabelRecord], pa.Table]:
    labeller = Labeller(config)
    storage = Storage(config.output.url)
    records = [labeller.label(shard, storage) for shard in find_shards(config.input)]
    return records, pa.concat_tables([read_labels(storage, record) for record in records])


def test_labels_of_drawn_scenes_are_true(scenes: Path, tmp_path: Path) -> None:
    _, table = _label_all(_demo_config(scenes, tmp_path))
    truth = pq.read_table(scenes / "truth.parquet")
    assert table["key"].to_pylist() == truth["key"].to_pylist()
    for group in GROUPS:
        kind = "s" if group == "figure" else "y"
        right = [
            all(row[f"{kind}.{group}.{name}"] == (name == true) for name in PHRASES[group] if name)
            for row, true in zip(table.to_pylist(), truth[group].to_pylist(), strict=True)
        ]
        assert np.mean(right) >= 0.95, group
    similarity = table["score.similarity"].to_numpy()
    assert similarity.mean() > 0.2
    assert np.abs(similarity.astype(float).round(5) - similarity).max() < 1e-7
    np.testing.assert_allclose(table["utility"], 10 * np.maximum(0, similarity), atol=1e-6)


def test_label_tables_are_the_same_bytes_with_any_number_of_threads(
    scenes: Path, tmp_path: Path
) -> None:
    digests = []
    for threads in (1, 3):
        config = _demo_config(scenes, tmp_path / str(threads), decode_threads=threads)
        records, _ = _label_all(config)
        digests.append([record.table_digest for record in records])
    assert digests[0] == digests[1]


def test_a_compressed_shard_has_the_same_labels(scenes: Path, tmp_path: Path) -> None:
    plain, _ = _label_all(_demo_config(scenes, tmp_path / "plain"))
    (tmp_path / "shards").mkdir()
    content = (scenes / "shards" / "00000.tar").read_bytes()
    (tmp_path / "shards" / "00000.tar.gz").write_bytes(gzip.compress(content, 1))
    zipped, _ = _label_all(_demo_config(tmp_path, tmp_path / "zipped"))
    assert zipped[0].table_digest == plain[0].table_digest


def test_a_sample_that_the_model_fails_on_costs_only_itself(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    names = [f"{number:02d}" for number in range(20)]
    entries = [
        entry
        for name in names
        for entry in sample(name, jpg=jpeg(Image.new("RGB", (96, 96))) if name == "13" else FOX)
    ]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    labeller = Labeller(config)
    assert labeller._samples._vision is not None

    def fail_on_black(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if (inputs[0].amax(dim=(1, 2, 3)) < -1).any():
            raise RuntimeError("cannot see\nin the dark")

    labeller._samples._vision._clip.model.visual.register_forward_pre_hook(fail_on_black)
    storage = Storage(config.output.url)
    record = labeller.label(find_shards(config.input)[0], storage)
    keys = read_labels(storage, record)["key"].to_pylist()
    assert keys == [name for name in names if name != "13"]
    rejects = pq.read_table(
        pa.BufferReader(storage.read(paths.rejects(record.shard.name)))
    ).to_pylist()
    error = "the model fails on it: cannot see in the dark"
    assert rejects == [{"key": "13", "stage": "model", "error": error}]


def test_batches_are_full_but_for_the_last_whatever_is_rejected(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    images = [b"broken" if number in (2, 9) else FOX for number in range(21)]
    entries = [entry for number, jpg in enumerate(images) for entry in sample(f"{number}", jpg=jpg)]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    labeller = Labeller(config)
    assert labeller._samples._vision is not None
    sizes: list[int] = []
    labeller._samples._vision._clip.model.visual.register_forward_pre_hook(
        lambda module, inputs: sizes.append(len(inputs[0]))
    )
    labeller.label(find_shards(config.input)[0], Storage(config.output.url))
    assert sizes == [8, 8, 3]


def test_a_model_that_fails_on_a_whole_batch_stops_the_job(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    (tmp_path / "shard.tar").write_bytes(make_tar(sample("a", jpg=FOX) + sample("b", jpg=OWL)))
    labeller = Labeller(config)
    assert labeller._samples._vision is not None
    labeller._samples._vision._clip.model.visual = torch.nn.Linear(1, 1)
    storage = Storage(config.output.url)
    with pytest.raises(FairshardError, match="the model fails on every sample of a batch"):
        labeller.label(find_shards(config.input)[0], storage)
    assert storage.names("labels") == ()


def test_a_labelled_shard_is_finished_for_its_version_and_settings_alone(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION)
    labelled = Labelled(tmp_path, config, sample("a", txt="she"))
    shard, storage, settings = labelled.shard, labelled.storage, settings_digest(config)
    assert finished(shard, settings, storage) == labelled.record
    stored = storage.read(paths.label_record(labelled.shard.name))
    assert label_record_from(stored) == labelled.record
    assert finished(shard, "other settings", storage) is None
    other = Shard(shard.name, shard.url, shard.bytes, "another version")
    assert finished(other, settings, storage) is None
    storage.publish(paths.label_record(labelled.shard.name), stored[:50])
    assert finished(shard, settings, storage) is None
    storage.delete(paths.label_record(labelled.shard.name))
    assert finished(shard, settings, storage) is None


def test_the_record_of_old_labels_is_gone_before_new_labels_are_there(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION)
    labelled = Labelled(tmp_path, config, sample("a", txt="she"))
    changed = labelling_config(tmp_path, BY_CAPTION, utility={"scale": 2})

    class FullDisk(Storage):
        def publish(self, name: str, content: bytes) -> None:
            if name.startswith("labels/"):
                raise OSError("no space left")
            super().publish(name, content)

    with pytest.raises(OSError, match="no space left"):
        Labeller(changed).label(labelled.shard, FullDisk(config.output.url))
    assert not labelled.storage.exists(paths.label_record(labelled.shard.name))


def test_the_record_says_where_the_time_went(scenes: Path, tmp_path: Path) -> None:
    records, _ = _label_all(_demo_config(scenes, tmp_path))
    for record in records:
        assert set(record.seconds) == {"read", "decode", "model", "idle", "write", "total"}
        assert all(seconds > 0 for seconds in record.seconds.values())
        waited = sum(record.seconds[step] for step in ("idle", "model", "write"))
        assert waited <= record.seconds["total"]
        stored = Storage(str(tmp_path)).read(paths.labels(record.shard.name))
        assert record.table_bytes == len(stored)
        assert stored == parquet_bytes(pq.read_table(pa.BufferReader(stored)))
