"""Weights are found by the names of shards and of samples, and what does not fit them is said."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import webdataset

from fairshard import FairshardError, loaders
from fairshard.loaders import CorpusWeights
from fairshard.loaders.sources import shard_named
from tests.commands import run
from tests.fixtures import config_of, jpeg
from tests.labelled import sample
from tests.outputs import finished_output
from tests.tarmaking import Entry, make_tar
from tests.weighed import Balanced, contents, read
from transforms.shards.naming import name_of

KEYS = {"key": ["a", "b", "c"], "copies": [0, 1, 2]}


def weights_in(folder: Path, *names: str, about: dict[str, str] | None = None, **columns: object):
    """A folder of weights of some shards."""
    folder.mkdir(exist_ok=True)
    table = pa.table({**KEYS, **columns}).replace_schema_metadata(about or {})
    for name in names:
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def labelled(folder: Path, shards: dict[str, bytes]) -> Path:
    """The output of a corpus of some tars, with its weights."""
    for name, content in shards.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    values = {
        "input": {"shards": "in/**/*.tar", "limits": {"max_reject_share": 0.5}},
        "labels": {"thing": {"field": "words", "names": ["tie"]}},
        "balance": {"eta": 1.0, "max_representation_bias": 1.0},
    }
    config = config_of(folder, **values)
    finished_output(config)
    assert run("export", folder / "out", "weights") == 0
    return folder / "out"


def entries(first: int, *keys: str) -> list[Entry]:
    """Samples of these keys."""
    return [
        entry
        for number, key in enumerate(keys, first)
        for entry in sample(key, jpg=jpeg(number), txt="a woman", json={"words": ["tie"]})
    ]


def load(shards: object, kept: loaders.Weighted) -> object:
    """What a webdataset pipeline gives."""
    return contents(webdataset.WebDataset(shards, shardshuffle=False).compose(kept))


def test_copies_are_told_by_shard_and_key(tmp_path: Path) -> None:
    weights = CorpusWeights(weights_in(tmp_path / "weights", "00000", "00001"))
    assert [weights.copies("s3://bucket/00000.tar", key) for key in "abc"] == [0, 1, 2]
    assert weights.samples() == 6


@pytest.mark.parametrize("there", [True, False])
def test_where_there_are_no_weights_it_is_said_at_once(tmp_path: Path, there: bool) -> None:
    place = tmp_path / "place"
    if there:
        place.mkdir()
    with pytest.raises(FairshardError, match=r"place holds no weights .*`fairshard export OUTPUT"):
        loaders.weighted(place)


@pytest.mark.parametrize(
    "columns",
    [
        {"copies": [0, 1, None]},
        {"copies": ["one", "two", "three"]},
        {"copies": [0.5, 1.0, 2.0]},
        {"key": ["a", "a", "c"]},
        {"key": ["a", None, "c"]},
        {"about": {"unlabelled": "many"}},
        {"about": {"plan": b"\xff"}},
    ],
)
def test_files_that_hold_no_weights_are_refused(tmp_path: Path, columns: dict) -> None:
    weights = CorpusWeights(weights_in(tmp_path / "weights", "00000", **columns))
    with pytest.raises(FairshardError, match=r"00000\.parquet holds no weights"):
        weights.copies("00000.tar", "a")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet" * 100, None])
def test_files_of_another_form_are_refused(tmp_path: Path, content: bytes | None) -> None:
    weights = CorpusWeights(weights_in(tmp_path, "00000"))
    if content is None:
        pq.write_table(pa.table({"key": ["a"]}), tmp_path / "00000.parquet")
    else:
        (tmp_path / "00000.parquet").write_bytes(content)
    for ask in (lambda: weights.copies("00000.tar", "a"), weights.samples):
        with pytest.raises(FairshardError, match=r"00000\.parquet holds no weights"):
            ask()


def test_a_file_that_went_is_said(tmp_path: Path) -> None:
    weights = CorpusWeights(weights_in(tmp_path, "00000"))
    (tmp_path / "00000.parquet").unlink()
    with pytest.raises(FairshardError, match=r"00000\.parquet is missing"):
        weights.copies("00000.tar", "a")


def test_a_sample_without_a_weight_is_never_kept(tmp_path: Path) -> None:
    weights = CorpusWeights(weights_in(tmp_path, "00000"))
    with pytest.raises(FairshardError, match=r"no weight of the sample d\\x1b\[0m: .* another"):
        weights.copies("00000.tar", "d\x1b[0m")


def test_samples_that_could_not_be_labelled_are_left_out_as_resample_does(tmp_path: Path) -> None:
    unread = sample("c", jpg=jpeg(2), txt="a man", json="{")
    output = labelled(tmp_path, {"00000.tar": make_tar(entries(0, "a", "b") + unread)})
    kept = loaders.weighted(output)
    shard = str(tmp_path / "in" / "00000.tar")
    for _ in range(2):
        assert load(shard, kept) == read([str(output / "shards" / "00000.tar")])
    with pytest.raises(FairshardError, match="no weight of the sample d"):
        kept.weights.copies(shard, "d")


def test_a_shard_without_weights_is_never_kept(tmp_path: Path) -> None:
    weights = CorpusWeights(weights_in(tmp_path, "00000", "00001", "00002", "00003", "00004"))
    with pytest.raises(FairshardError, match=r"no weights of /x/7.tar .* 00002 and 2 more: load"):
        weights.copies("/x/7.tar", "a")


def test_a_corpus_that_moved_is_known_by_the_names_of_its_files(
    corpus: Balanced, tmp_path: Path
) -> None:
    shutil.copytree(Path(corpus.shards[0]).parent, tmp_path / "elsewhere")
    shards = [str(path) for path in sorted((tmp_path / "elsewhere").glob("*.tar"))]
    assert load(shards, loaders.weighted(corpus.weights)) == corpus.written


def test_two_shards_of_one_name_are_told_apart_where_they_were_labelled(tmp_path: Path) -> None:
    tars = {"x/00000.tar": entries(0, "a", "b"), "y/00000.tar": entries(10, "a", "b")}
    output = labelled(tmp_path, {name: make_tar(of) for name, of in tars.items()})
    shards = [str(tmp_path / "in" / folder / "00000.tar") for folder in "yx"]
    assert load(shards, loaders.weighted(output)) == read(shards)

    moved = str(tmp_path / "moved.d" / "00000.tar")
    Path(moved).parent.mkdir()
    shutil.copy(shards[0], moved)
    with pytest.raises(FairshardError, match=r"which weights are those of .*moved.d.*`shard=`"):
        load(moved, loaders.weighted(output))
    told = loaders.weighted(output, shard=lambda _: shards[0])
    assert load(moved, told) == read([moved])


def test_one_file_of_weights_is_of_one_shard(tmp_path: Path) -> None:
    weights = CorpusWeights(weights_in(tmp_path, "00000"))
    assert weights.copies("/x/00000.tar", "b") == 1
    with pytest.raises(FairshardError, match=r"two are loaded .* the other being /y/00000.tar"):
        weights.copies("/y/00000.tar", "b")


def test_weights_of_an_earlier_plan_of_the_output_are_refused(
    corpus: Balanced, tmp_path: Path
) -> None:
    output = Path(shutil.copytree(corpus.output, tmp_path / "out"))
    (output / "truth.parquet").write_bytes(b"something else")
    assert CorpusWeights(output).copies(corpus.shards[0], first_key(corpus.weights)) >= 0
    shutil.copytree(corpus.weights, tmp_path / "apart")
    plan = json.loads((output / "plan/plan.json").read_bytes())
    plan["fingerprint"]["config.balance"] = "0" * 32
    (output / "plan/plan.json").write_text(json.dumps(plan))
    with pytest.raises(FairshardError, match=r"or than the output has by now"):
        CorpusWeights(output).copies(corpus.shards[0], "0")
    apart = CorpusWeights(tmp_path / "apart")
    assert apart.copies(corpus.shards[0], first_key(corpus.weights)) >= 0


def first_key(weights: Path) -> str:
    """The key of the first sample of the first shard."""
    return str(pq.read_table(sorted(weights.glob("*.parquet"))[0])["key"][0].as_py())


def test_weights_of_two_plans_are_not_mixed(tmp_path: Path) -> None:
    weights_in(tmp_path, "00000", about={"plan": "one"})
    weights = CorpusWeights(weights_in(tmp_path, "00001", about={"plan": "other"}))
    weights.copies("00000.tar", "a")
    with pytest.raises(FairshardError, match=r"00001\.parquet is of another plan"):
        weights.copies("00001.tar", "a")


def test_only_so_many_shards_stay_in_memory(tmp_path: Path) -> None:
    names = ("00000", "00001", "00002")
    weights = CorpusWeights(weights_in(tmp_path, *names), shards_in_memory=2)
    for name in ("00000", "00001", "00000", "00002"):
        weights.copies(f"{name}.tar", "a")
    for name in names:
        (tmp_path / f"{name}.parquet").unlink()
    assert [weights.copies(f"{name}.tar", "b") for name in ("00000", "00002")] == [1, 1]
    with pytest.raises(FairshardError, match=r"00001\.parquet is missing"):
        weights.copies("00001.tar", "b")


@pytest.mark.parametrize(
    ("source", "url"),
    [
        ("pipe:aws s3 cp s3://bucket/a/00000.tar -", "s3://bucket/a/00000.tar"),
        ("pipe:gsutil cat 'gs://bucket/a b/00000.tar'", "gs://bucket/a b/00000.tar"),
        ("pipe:curl -s -L https://host/0.tar.gz?sig=1 || true", "https://host/0.tar.gz?sig=1"),
        ("pipe:cp s3://b/0.tar /tmp/0.tar && cat /tmp/0.tar", "s3://b/0.tar"),
        ("pipe:don't cat /x/0.tar", "/x/0.tar"),
        ("file:///x/0.tar", "/x/0.tar"),
        ("file:/x/0.tar", "/x/0.tar"),
        ("https://user:pass@host/0.tar", "https://host/0.tar"),
    ],
)
def test_a_shard_is_named_by_its_url_whatever_reads_it(source: str, url: str) -> None:
    assert shard_named(source) == name_of(url)


@pytest.mark.parametrize("command", ["pipe:cat $SHARD", "pipe:cat /x/0.tar /x/1.tar"])
def test_a_command_that_names_no_one_shard_is_refused(command: str) -> None:
    with pytest.raises(FairshardError, match="cannot be told: say `shard=`"):
        shard_named(command)


@pytest.mark.parametrize(
    "source",
    [
        "https://user:hidden@host/1.tar?X-Amz-Signature=hidden",
        "pipe:curl -H 'Authorization: Bearer hiddenhidden' https://host/1.tar?sig=hidden",
        "pipe:curl https://host/$N?sig=hidden",
    ],
)
def test_no_sentence_shows_a_secret(tmp_path: Path, source: str) -> None:
    with pytest.raises(FairshardError) as said:
        CorpusWeights(weights_in(tmp_path, "00000")).copies(source, "a")
    assert "hidden" not in str(said.value)


@pytest.mark.parametrize(
    ("sample", "what"), [({"__key__": "a"}, "shard="), ({"__url__": "00000.tar"}, "key=")]
)
def test_a_sample_that_does_not_say_where_it_is_from_is_refused(
    tmp_path: Path, sample: dict, what: str
) -> None:
    kept = loaders.weighted(weights_in(tmp_path, "00000"))
    with pytest.raises(FairshardError, match=f"a sample has no __.* say `{what}`"):
        list(kept([sample]))
