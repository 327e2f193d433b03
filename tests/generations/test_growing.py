"""Shards are added to an output that is written, which stays as it is."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from jobs.session.growing import appending
from tests.commands import run
from tests.growing import (
    add_shard,
    append,
    corpus,
    manifest_of,
    rebalance,
    shards_of,
    without_records,
)
from tests.servers import s3
from transforms.base.errors import ConfigError, StaleError
from transforms.generations.on_file import generations_of, numbers_on_file, patterns_of
from transforms.plan.plan import read_plan
from transforms.resampling.manifest import read_manifest
from transforms.storage.files import Storage


def test_new_shards_are_added_and_what_is_written_stays(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    before, first = shards_of(config), manifest_of(config)
    add_shard(tmp_path, "0", women=0.1)  # whose name comes before those of the others
    add_shard(tmp_path, "c", women=0.1)
    append(config)
    now, whole = shards_of(config), manifest_of(config)
    assert before.items() <= now.items()
    assert len(now) > len(before)
    assert [shard.name for shard in whole.shards[: len(first.shards)]] == [
        shard.name for shard in first.shards
    ]
    numbers = [int(Path(shard.name).stem) for shard in whole.shards]
    assert numbers == list(range(len(numbers)))
    assert {shard.generation for shard in whole.shards} == {0, 1}
    assert [(one.shard.split("--")[0], one.generation) for one in whole.inputs] == [
        ("a", 0),
        ("b", 0),
        ("0", 1),
        ("c", 1),
    ]
    assert whole.generations is not None
    assert [one.written for one in whole.generations] == [
        first.totals.written,
        whole.totals.written - first.totals.written,
    ]
    assert whole.totals.in_ == 240
    sizes = json.loads((tmp_path / "out/shards/sizes.json").read_bytes())
    assert sum(sizes.values()) == whole.totals.written
    assert len(sizes) == len(whole.shards)


def test_measures_of_the_manifest_are_those_of_all_that_is_written(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    first = manifest_of(config)
    for name in ("c", "d"):
        add_shard(tmp_path, name, women=0.2)
        append(config)
    whole, storage = manifest_of(config), Storage(config.output.url)
    generations = generations_of(storage)
    patterns = [patterns_of(one, storage) for one in generations]
    women = [int(one.counts @ one.s[:, 0]) for one in patterns]
    written = [one.samples for one in patterns]
    assert sum(written) == whole.totals.written
    assert whole.measures.share[0] == pytest.approx(sum(women) / sum(written))
    assert whole.generations is not None
    for place, entry in enumerate(whole.generations):
        assert entry.measures.share[0] == pytest.approx(women[place] / written[place])
    assert np.array_equal(whole.generations[0].measures.AB, first.measures.AB)
    assert whole.groups == {"gender": whole.totals.written}


def test_an_output_that_was_to_grow_from_the_start_is_as_one_that_grew_later(
    tmp_path: Path,
) -> None:
    corpus(tmp_path, "a", "b")
    from_the_start, later = (corpus(tmp_path, output={"url": url}) for url in ("start", "later"))
    append(from_the_start)
    rebalance(later)
    add_shard(tmp_path, "c", women=0.2)
    append(from_the_start)
    append(later)
    assert without_records(tmp_path / "start") == without_records(tmp_path / "later")
    assert (tmp_path / "later" / "generations" / "0001" / "written.parquet").exists()


def test_nothing_new_is_nothing_to_do(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    before = without_records(tmp_path / "out")
    for command in ("label", "solve", "resample", "rebalance"):
        append(config, command)
    other = config.model_copy(update={"seed": 5})
    assert append(other)["shards"] == len(manifest_of(config).shards)
    assert without_records(tmp_path / "out") == before


def test_the_stages_one_after_another_are_as_one_job(tmp_path: Path) -> None:
    corpus(tmp_path, "a", "b")
    apart, together = (corpus(tmp_path, output={"url": folder}) for folder in ("apart", "together"))
    rebalance(apart)
    rebalance(together)
    add_shard(tmp_path, "c")
    for command in ("label", "solve", "resample"):
        append(apart, command)
    append(together)
    assert without_records(tmp_path / "apart") == without_records(tmp_path / "together")


def test_other_bounds_are_asked_of_what_is_new(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config.model_copy(update={"balance": config.balance.model_copy(update={"eta": 0.9})}))
    generations = manifest_of(config).generations
    assert generations is not None
    assert [round(one.written / one.samples, 1) for one in generations] == [0.5, 0.9]


@pytest.mark.parametrize("most", [10_000_000, 1])
def test_where_nothing_new_can_mend_what_is_written_the_rate_is_that_which_misses_least(
    tmp_path: Path, most: int
) -> None:
    """Of what is written a quarter are women, of what is new a tenth: it is not drawn at slower
    rates in the hope of more.
    """
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c", women=0.1)
    tight = {"eta": "auto", "max_representation_bias": 0.05, "max_patterns": most}
    append(corpus(tmp_path, balance=tight))
    plan = read_plan(Storage(config.output.url))
    found = plan.file.largest_rate
    assert plan.file.missed and found is not None
    assert found.upper == 0 and found.rate == plan.terms.eta
    assert plan.file.written is not None
    assert "none was found at which all is attainable" in plan.rate_in_words
    if not plan.file.sampled:
        excess = plan.file.certificate.excess
        assert found.least_excess is not None and 0.95 * excess < found.least_excess <= excess


MISTAKES = {
    "changed": "1 input shard that {out} was written from (a--{a}) is changed since: restore it, "
    "or give --rebuild to make the whole output anew",
    "vanished": "1 input shard that {out} was written from (a--{a}) is not in the input any more: "
    "restore it, or give --rebuild to make the whole output anew",
}


@pytest.mark.parametrize("generations", [1, 2])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_shard_of_what_is_written_that_changed_or_vanished_stops_it(
    tmp_path: Path, mistake: str, generations: int
) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    if generations > 1:
        add_shard(tmp_path, "c")
        append(config)
    add_shard(tmp_path, "d")
    before = without_records(tmp_path / "out")
    if mistake == "changed":
        add_shard(tmp_path, "a", samples=61)
    else:
        (tmp_path / "in" / "a.tar").unlink()
    (name,) = {one.shard for one in manifest_of(config).inputs if one.shard.startswith("a--")}
    said = MISTAKES[mistake].format(out=config.output.url, a=name.removeprefix("a--"))
    with pytest.raises(StaleError) as refused:
        append(config)
    assert str(refused.value) == said
    assert without_records(tmp_path / "out") == before


def test_labels_of_another_schema_stop_it(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    fewer = {"thing": {"field": "words", "names": ["nurse"]}}
    turned = {"thing": {"field": "words", "names": ["laptop", "nurse"]}}
    other = {"thing": {"field": "other", "names": ["nurse", "laptop"]}}
    for grown in (False, True):
        for labels, what in ((fewer, "labels.thing"), (turned, "the labels"), (other, "labels")):
            with pytest.raises(StaleError, match=f"was labelled otherwise .*{what}.* changed"):
                append(corpus(tmp_path, labels=labels))
        if not grown:
            append(config)
            add_shard(tmp_path, "d")


@pytest.mark.parametrize(
    ("output", "key"),
    [({"keys": "unique"}, "keys"), ({"beside": []}, "beside")],
)
def test_another_form_of_shards_stops_it(tmp_path: Path, output: dict[str, str], key: str) -> None:
    rebalance(corpus(tmp_path, "a", "b"))
    add_shard(tmp_path, "c")
    with pytest.raises(ConfigError, match=f"^output.{key} is not as in the shards that .* holds"):
        append(corpus(tmp_path, output=output))


def test_shards_of_another_size_may_be_added(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    before = shards_of(config)
    add_shard(tmp_path, "c")
    append(corpus(tmp_path, output={"samples_per_shard": 7}))
    assert before.items() <= shards_of(config).items()
    added = [one.samples for one in manifest_of(config).shards if one.generation == 1]
    assert added[:-1] == [7] * (len(added) - 1)
    assert len(added) > 2


def test_what_is_written_is_not_mended_by_writing_it_again(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    lost = Path(config.output.url) / "shards" / "00001.tar"
    content = lost.read_bytes()
    lost.unlink()
    with pytest.raises(StaleError, match=r"/shards/00001.tar of what is written is lost or damag"):
        append(config)
    lost.write_bytes(content)
    append(config)


def test_an_ordinary_run_on_an_output_that_has_grown_is_refused(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    before = without_records(tmp_path / "out")
    for command in ("solve", "resample", "rebalance"):
        with pytest.raises(StaleError, match="holds 2 generations, to which new shards are added"):
            rebalance(config, command)
    assert without_records(tmp_path / "out") == before
    rebalance(config, "label")


@pytest.mark.parametrize("how", ["rebuild", "restart"])
@pytest.mark.parametrize("mode", ["replace", "append"])
def test_all_is_made_anew_as_one_corpus(tmp_path: Path, how: str, mode: str) -> None:
    config = corpus(tmp_path, "a", "b")
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    asked = append if mode == "append" else rebalance
    if (how, mode) == ("restart", "append"):
        with pytest.raises(ConfigError, match="--restart would discard what is written"):
            rebalance(appending(config), restart=True)
        return
    rebalance(appending(config) if mode == "append" else config, **{how: True})
    rebalance(corpus(tmp_path, output={"url": "fresh"}))
    made, fresh = without_records(tmp_path / "out"), without_records(tmp_path / "fresh")
    assert made == fresh
    assert asked(config)["shards"] == len(manifest_of(config).shards)
    add_shard(tmp_path, "d")
    append(config)
    assert len(manifest_of(config).generations or ()) == 2


def test_a_lost_manifest_of_generations_stops_every_run_but_one_that_makes_all_anew(
    tmp_path: Path,
) -> None:
    config = corpus(tmp_path, "a", "b")
    append(config)
    add_shard(tmp_path, "c")
    append(config)
    manifest = tmp_path / "out" / "manifest.json"
    content = manifest.read_bytes()
    for damaged in (None, b"{}", content[:-9]):
        manifest.unlink(missing_ok=True)
        if damaged is not None:
            manifest.write_bytes(damaged)
        for again in (append, rebalance):
            with pytest.raises(StaleError, match=r"manifest\.json is lost or damaged, and .* hold"):
                again(config)
    rebalance(config, rebuild=True)
    assert manifest_of(config).totals.in_ == 180


@pytest.mark.parametrize("name", ["generation.json", "written.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", [None, b"", b"{}", b"\xff\x00"])
def test_a_damaged_archive_stops_it(tmp_path: Path, name: str, damage: bytes | None) -> None:
    config = corpus(tmp_path, "a", "b")
    append(config)
    add_shard(tmp_path, "c")
    append(config)
    add_shard(tmp_path, "d")
    path = tmp_path / "out" / "generations" / "0000" / name
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    before = shards_of(config)
    with pytest.raises(StaleError, match=f"generations/0000/{name} is .*--rebuild"):
        append(config)
    assert before.items() <= shards_of(config).items()
    assert len(manifest_of(config).generations or ()) == 2


def test_keys_that_are_unique_stay_so(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b", output={"keys": "unique"})
    rebalance(config)
    (tmp_path / "in" / "x").mkdir()
    (tmp_path / "in" / "x" / "a.tar").write_bytes((tmp_path / "in" / "a.tar").read_bytes())
    both = [str(tmp_path / "in" / "*.tar"), str(tmp_path / "in" / "x" / "*.tar")]
    append(corpus(tmp_path, output={"keys": "unique"}, input={"shards": both}))
    keys = [
        key
        for path in sorted((tmp_path / "out" / "shards").glob("*.parquet"))
        for key in pq.read_table(path).column("key").to_pylist()
    ]
    assert len(keys) == len({*keys}) == manifest_of(config).totals.written


def test_labels_that_lie_apart_are_shared(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a", "b", output={"labels": str(tmp_path / "labels")})
    rebalance(config)
    add_shard(tmp_path, "c")
    append(config)
    apart = json.loads((tmp_path / "out" / "done" / "labels.json").read_bytes())
    assert [name[0] for name in apart["shards"]] == ["a", "b", "c"]


def test_what_dead_attempts_left_of_a_generation_is_removed(tmp_path: Path) -> None:
    config = corpus(tmp_path, "a")
    append(config)
    folder = tmp_path / "out" / "generations" / "0000"
    left = [path / f".x.json.{'0' * 32}.tmp" for path in (folder, folder / "plan")]
    for path in left:
        path.write_bytes(b"half")
    assert run("clean", tmp_path / "out") == 0
    assert not any(path.exists() for path in left)
    assert (folder / "generation.json").exists()


def test_an_output_on_an_object_store_grows(tmp_path: Path) -> None:
    with s3() as store:
        config = corpus(tmp_path, "a", "b")
        place = {"url": f"{store.url}/out", "storage_options": store.options}
        config = config.model_copy(update={"output": config.output.model_copy(update=place)})
        rebalance(config)
        add_shard(tmp_path, "c")
        append(config)
        append(config)
        storage = Storage(config.output.url, store.options)
        assert [one.number for one in generations_of(storage)] == [0, 1]
        assert {shard.generation for shard in read_manifest(storage).shards} == {0, 1}
        rebalance(config, rebuild=True)
        assert read_manifest(storage).generations is None
        assert generations_of(storage) == ()
        assert numbers_on_file(storage) == []
