"""Rejects: what they are counted as, the budget, and that a bad sample costs itself alone."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from jobs.begin.demo.scenes import jpeg
from tests.labelled import BY_CAPTION, BY_IMAGE, FOX, OWL, labelling_config, sample
from tests.naming import named
from tests.tarmaking import Entry, make_tar
from transforms.base.errors import FairshardError
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import RejectKind, check_rejects, frequent_rejects
from transforms.labels.rows import reject_table
from transforms.labels.tables import parquet_bytes, read_labels
from transforms.recognition.tokeniser import Tokeniser
from transforms.shards.finding import find_shards
from transforms.shards.samples import Reject
from transforms.storage import paths
from transforms.storage.attempts import attempts_at
from transforms.storage.files import Storage

BLACK = jpeg(Image.new("RGB", (96, 96)))


def labelled(config: Config, labeller: Labeller) -> tuple[LabelRecord, list[Any], list[Any]]:
    """The first shard's record, the keys of its rows, and its rejects."""
    storage = Storage(config.output.url)
    record = labeller.label(find_shards(config.input)[0], storage)
    rejects = pq.read_table(pa.BufferReader(storage.read(paths.rejects(record.shard.name))))
    keys = read_labels(storage, record).column("key").to_pylist()
    return record, keys, [tuple(row.values()) for row in rejects.to_pylist()]


def entries_of(pictures: list[bytes]) -> list[Entry]:
    return [entry for n, jpg in enumerate(pictures) for entry in sample(f"{n:02d}", jpg=jpg)]


def dark(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
    if (inputs[0].amax(dim=(1, 2, 3)) < -1).any():
        raise RuntimeError("too dark")


class Memory:
    """A hook before a module's forward pass: there is no memory for more than `most` samples."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    def __call__(self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        self.asked.append(len(inputs[0]))
        if len(inputs[0]) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")


def visual(labeller: Labeller) -> torch.nn.Module:
    assert labeller._samples._vision is not None
    found: torch.nn.Module = labeller._samples._vision._clip.model.visual
    return found


@pytest.mark.parametrize("bad", [(0,), (3, 4, 11), (8, 9), (0, 1, 2, 3, 4, 5, 6, 7), (9,)])
def test_samples_that_the_model_fails_on_cost_themselves_alone(
    tmp_path: Path, bad: tuple[int, ...]
) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    pictures = [BLACK if n in bad else FOX for n in range(10)]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries_of(pictures)))
    labeller = Labeller(config)
    visual(labeller).register_forward_pre_hook(dark)
    _, keys, rejects = labelled(config, labeller)
    assert keys == [f"{n:02d}" for n in range(10) if n not in bad]
    reason = "the model fails on it: too dark"
    assert rejects == [(f"{n:02d}", "model", reason) for n in bad if n < 10]


def test_a_caption_that_cannot_be_tokenised_costs_its_sample(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_CAPTION, similarity=True)
    entries = [
        *sample("a", txt="she", jpg=FOX),
        *sample("b", txt="he who must fail", jpg=FOX),
        *sample("c", txt="he", jpg=OWL),
    ]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    labeller = Labeller(config)
    assert labeller._samples._vision is not None
    clip = labeller._samples._vision._clip
    tokenizer = clip._tokeniser._tokenizer

    class Failing:
        context_length = tokenizer.context_length

        def __call__(self, texts: list[str]) -> torch.Tensor:
            if "fail" in texts[0]:
                raise KeyError("no such token")
            found: torch.Tensor = tokenizer(texts)
            return found

    clip._tokeniser = Tokeniser(Failing())
    _, keys, rejects = labelled(config, labeller)
    assert keys == ["a", "c"]
    assert rejects == [("b", "caption", "the caption cannot be read: KeyError: 'no such token'")]


@pytest.mark.parametrize("most", [1, 3, 5])
def test_without_memory_for_a_batch_the_labels_are_the_same_in_smaller_ones(
    tmp_path: Path, most: int, caplog: pytest.LogCaptureFixture
) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    pictures = [FOX if n % 3 else OWL for n in range(20)]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries_of(pictures)))
    whole, *_ = labelled(config, Labeller(config))
    Storage(config.output.url).delete(paths.label_record(named(config, "shard")))
    labeller, memory = Labeller(config), Memory(most)
    visual(labeller).register_forward_pre_hook(memory)
    halved, _, rejects = labelled(config, labeller)
    assert (halved.table_digest, halved.samples, rejects) == (whole.table_digest, 20, [])
    failed = [asked for asked in memory.asked if asked > most]
    assert failed == [asked for asked in (8, 4, 2) if asked > most]
    assert "has no memory for 8 samples at once: going on with 4" in caplog.text


def test_without_memory_for_one_sample_the_job_stops(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, BY_IMAGE)
    (tmp_path / "shard.tar").write_bytes(make_tar(entries_of([FOX, OWL, FOX])))
    labeller = Labeller(config)
    visual(labeller).register_forward_pre_hook(Memory(0))
    storage = Storage(config.output.url)
    with pytest.raises(FairshardError, match="the cpu has no memory for one sample: give"):
        labeller.label(find_shards(config.input)[0], storage)
    (attempt,) = attempts_at("label", storage)
    assert attempt.name == named(config, "shard")
    assert attempt.error is not None
    assert attempt.error.startswith("the cpu has no memory for one sample")


def with_rejects(folder: Path, rejects: dict[str, list[Reject]], **limits: Any) -> Config:
    config = labelling_config(folder, BY_CAPTION, input={"limits": limits})
    storage = Storage(config.output.url)
    for shard, rows in rejects.items():
        storage.publish(paths.rejects(shard), parquet_bytes(reject_table(rows)))
    return config


def test_the_most_frequent_errors_come_first_with_an_example(tmp_path: Path) -> None:
    big = "the image has {} pixels, more than limits.max_pixels = 9"
    rejects = {
        "00001": [
            Reject("c", "image", big.format("1,200")),
            Reject("d", "caption", "the caption is not UTF-8 text"),
        ],
        "00000": [
            Reject("a", "image", big.format("300")),
            Reject("b", "read", "the member 'b.jpg' is a symbolic link"),
        ],
    }
    config = with_rejects(tmp_path, rejects)
    kinds = frequent_rejects(rejects, Storage(config.output.url))
    assert kinds == [
        RejectKind(
            "image",
            big.format("300"),
            2,
            "00000",
            "a",
            "raise input.limits.max_pixels (labels depend on it, and are all made anew)",
        ),
        RejectKind(
            "caption",
            "the caption is not UTF-8 text",
            1,
            "00001",
            "d",
            "mend the samples in their shards",
        ),
        RejectKind(
            "read",
            "the member 'b.jpg' is a symbolic link",
            1,
            "00000",
            "b",
            "mend the samples in their shards",
        ),
    ]
    assert str(kinds[0]) == f"2 x image: {big.format('300')} (as 'a' in 00000)"


def records_of(config: Config, samples: int, rejects: dict[str, list[Reject]]) -> list[LabelRecord]:
    (Path(config.output.url).parent / "one.tar").write_bytes(make_tar(sample("a", txt="she")))
    shard = find_shards(config.input)[0]
    named = [type(shard)(name, shard.url, 1, "1") for name in sorted(rejects)]
    return [
        LabelRecord(shard, "s", samples, len(rejects[shard.name]), {}, 0, "", {}) for shard in named
    ]


@pytest.mark.parametrize(
    ("limits", "exceeded"),
    [
        ({"max_reject_share": 0.05}, "input.limits.max_reject_share = 0.05 allows"),
        ({"max_reject_share": 1, "max_rejects": 6}, "input.limits.max_rejects = 6 allows"),
        ({"max_rejects": 0}, "max_reject_share = 0.05 and input.limits.max_rejects = 0 allows"),
        ({"max_reject_share": 0.07, "max_rejects": 7}, None),
    ],
)
def test_over_its_budget_a_run_fails_and_says_why(
    tmp_path: Path, limits: dict[str, Any], exceeded: str | None
) -> None:
    kinds = [Reject(f"k{n}", "image", f"error {'abcdefg'[n]}") for n in range(7)]
    rejects = {"00000": kinds, "00001": []}
    config = with_rejects(tmp_path, rejects, **limits)
    records = records_of(config, 50, rejects)
    if exceeded is None:
        check_rejects(records, config)
        return
    with pytest.raises(FairshardError) as failed:
        check_rejects(records, config)
    said = str(failed.value)
    assert said.startswith("7 of 107 samples (6.5%) were rejected, more than ")
    assert exceeded in said
    assert "1 x image: error a (as 'k0' in 00000); 1 x image: error b" in said
    assert "; and 2 other errors; mend or restore the shards" in said
    assert "\n" not in said


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 99)), max_size=30))
def test_every_reject_is_counted_once(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("counted")
    rows = [Reject(str(n), kind, f"of {size} bytes") for n, (kind, size) in enumerate(drawn)]
    rejects = {"00000": rows[::2], "00001": rows[1::2]}
    config = with_rejects(folder, rejects)
    kinds = frequent_rejects(rejects, Storage(config.output.url))
    assert {kind.stage: kind.samples for kind in kinds} == {
        kind: sum(entry[0] == kind for entry in drawn) for kind, _ in drawn
    }
    assert [kind.samples for kind in kinds] == sorted((k.samples for k in kinds), reverse=True)
