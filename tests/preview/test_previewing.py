"""Previews: the samples that are read, and that they are labelled as labelling has them."""

import gzip
import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.begin.demo.scenes import Scene, draw, jpeg
from tests.fixtures import config_of, write_corpus
from tests.labelled import BY_IMAGE, FOX, OWL, Labelled, labelling_config, sample
from tests.servers import web
from tests.tarmaking import make_tar
from transforms.base.errors import FairshardError
from transforms.config.columns import shown_name
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.labels.tables import read_labels
from transforms.preview.heads import heads, spread
from transforms.preview.preview import Preview
from transforms.preview.previewing import preview
from transforms.shards.finding import Shard, find_shards
from transforms.storage.files import Storage

FIGURE = {
    "names": {
        "fox": {"target": 0.5, "prompts": ["a fox"], "lexicon": ["fox", "vixen"]},
        "owl": {"target": 0.4, "prompts": ["an owl"], "field": {"path": "birds", "values": "owl"}},
    }
}
SAMPLES = [
    sample("a", jpg=FOX, txt="a vixen at noon", json={"birds": []}),
    sample("b", jpg=FOX, txt="an animal", json={"birds": ["owl", "tit"]}),
    sample("c", jpg=OWL, txt="an owl", json={"birds": ["owl"]}),
    sample("d", jpg=OWL, txt="a FOX", json={"birds": None}),
    sample("e", jpg=b"GIF89a", txt="a fox", json={}),
    sample("f", jpg=OWL, txt="a fox"),
]


def previewed(config: Config, samples: int = 300) -> Preview:
    return preview(config, find_shards(config.input), samples)


def seen_twice(folder: Path, combine: str) -> tuple[Preview, Labelled]:
    """A preview of a shard, and its labels."""
    config = labelling_config(folder, {"figure": {**FIGURE, "combine": combine}})
    labelled = Labelled(folder, config, [entry for each in SAMPLES for entry in each])
    return previewed(config), labelled


def test_hits_are_those_of_labelling_by_name_and_source(tmp_path: Path) -> None:
    found, labelled = seen_twice(tmp_path, "apart")
    columns = Counter(column for key in labelled.rows for column in labelled.true(key))
    assert {
        f"s.{one.name}@{source}": hits
        for one in found.names
        for source, hits in one.by_source.items()
    } == {
        f"s.figure.{column}": columns[f"s.figure.{column}"]
        for column in ("fox@caption", "fox@image", "owl@image", "owl@metadata")
    }
    assert found.samples == len(labelled.rows) == 4


def test_what_any_source_says_counts_once(tmp_path: Path) -> None:
    found, labelled = seen_twice(tmp_path, "any")
    fox, owl = found.names
    assert (fox.kind, fox.name) == ("attribute", "figure.fox")
    assert fox.hits == sum("s.figure.fox" in labelled.true(key) for key in labelled.rows) == 3
    assert (fox.agreed, fox.alone) == (1, {"caption": 1, "image": 1})
    assert (owl.hits, owl.agreed, owl.alone) == (3, 1, {"image": 1, "metadata": 1})


def test_what_all_sources_must_say_is_a_hit_where_they_do(tmp_path: Path) -> None:
    found, labelled = seen_twice(tmp_path, "all")
    for one in found.names:
        true = sum(f"s.{one.name}" in labelled.true(key) for key in labelled.rows)
        assert one.hits == one.agreed == true == 1
    assert found.names[0].by_source == {"caption": 2, "image": 2}


@pytest.mark.parametrize("combine", ["any", "all", "apart"])
def test_derived_names_have_hits_as_label_tables_have(tmp_path: Path, combine: str) -> None:
    write_corpus(tmp_path, samples=60, shards=1)
    gender = {
        "combine": combine,
        "names": {
            "woman": {
                "target": 0.5,
                "lexicon": "woman",
                "field": {"path": "quality", "at_least": 0.2},
            },
            "man": {"target": 0.5, "lexicon": "man"},
        },
    }
    source = "@caption" * (combine == "apart")
    attributes = {
        "gender": gender,
        "quality": {
            "names": {"good": {"target": 0.5, "field": {"path": "quality", "at_least": 0.5}}}
        },
        "x": {"names": {"a": {"target": 0.2, "all_of": [f"woman{source}"], "none_of": "good"}}},
    }
    labels = {"gender": {"names": {"woman": {"none_of": ["man" + source]}}}}
    crossed = {} if combine == "apart" else {"who": {"crossed": ["gender", "quality"]}}
    config = config_of(
        tmp_path, attributes=attributes, labels={**labels, **crossed}, balance={"eta": 0.5}
    )
    (shard,) = find_shards(config.input)
    storage = Storage(config.output.url, {})
    record = Labeller(config).label(shard, storage)
    schema = schema_of(config)
    table = read_labels(storage, record, list(schema.pattern_columns), schema.derived)
    found = {(one.kind[0], one.name): one for one in previewed(config).names}
    for entry in schema.derived:
        one = found["a" if entry.kind == "s" else "l", shown_name(entry.column)]
        assert one.derived and one.by_source == {}
        assert one.hits == sum(table[entry.column].to_pylist()) > 0
        assert all(each.sources == () for each in one.examples)
    assert not found["a", "gender.woman"].derived


def test_rejects_are_those_of_labelling(tmp_path: Path) -> None:
    found, labelled = seen_twice(tmp_path, "any")
    assert [(kind.key, kind.stage, kind.error) for kind in found.rejected] == labelled.rejects
    assert [key for key, *_ in labelled.rejects] == ["e", "f"]
    assert found.advice[0] == (
        "2 of 6 samples rejected, a larger share than input.limits.max_reject_share = 0.05: that "
        "ends a run"
    )


def test_examples_show_the_word_that_a_name_goes_by(tmp_path: Path) -> None:
    found, _ = seen_twice(tmp_path, "any")
    shown = {
        each.location.key: (each.sources, each.before, each.word, each.after)
        for each in found.names[0].examples
    }
    assert shown == {
        "a": (("caption", "image"), "a ", "vixen", " at noon"),
        "b": (("image",), "an animal", "", ""),
        "d": (("caption",), "a ", "FOX", ""),
    }


def test_extensions_are_told_with_what_they_are_read_as(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    found = previewed(config_of(tmp_path))
    assert {one.extension: (one.samples, one.read_as) for one in found.extensions} == {
        "jpg": (20, "image, which no label needs"),
        "json": (20, "metadata"),
        "txt": (20, "caption"),
    }
    members = {"caption": ["text"], "metadata": ["meta.json"]}
    given = {"shards": "in/*.tar", "members": members}
    none = previewed(config_of(tmp_path, input=given))
    assert (none.samples, sum(kind.samples for kind in none.rejected)) == (0, 20)
    assert none.advice[:2] == (
        "no sample has a member of input.members.caption (.text): correct it (there are: .jpg, "
        ".json, .txt)",
        "no sample has a member of input.members.metadata (.meta.json): correct it (there are: "
        ".jpg, .json, .txt)",
    )
    assert {one.read_as for one in none.extensions} == {"not read", "image, which no label needs"}


def test_samples_are_spread_over_the_shards(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=300, shards=30)
    config = config_of(tmp_path)
    shards = find_shards(config.input)
    read = Counter(head.shard.name for head in heads(shards, config, 50))
    assert sorted(read.values()) == [2] * 10 + [3] * 10
    assert {shards[0].name, shards[-1].name} < read.keys()
    assert sum(1 for _ in heads(shards, config, 7)) == 7
    assert sum(1 for _ in heads(shards, config, 1000)) == 300
    found = preview(config, shards, 50)
    assert (found.shards, found.of_shards, found.samples) == (20, 30, 50)
    assert found == preview(config, shards, 50)


def test_spreading_takes_the_first_and_the_last() -> None:
    shards = [Shard(f"{number}", "", 0, "") for number in range(10)]
    assert [shard.name for shard in spread(shards, 4)] == ["0", "3", "6", "9"]
    assert [shard.name for shard in spread(shards, 1)] == ["0"]
    assert spread(shards, 11) == shards


def test_only_the_beginning_of_a_shard_is_read(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=200, shards=1)
    shard = tmp_path / "in" / "00000.tar"
    content = shard.read_bytes()
    shard.write_bytes(content[: len(content) // 2] + b"\xff" * (len(content) // 2))
    config = config_of(tmp_path)
    assert not previewed(config, 40).rejected
    assert previewed(config, 300).rejected
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("packed", [False, True])
def test_shards_on_the_web_and_packed_ones_are_read(tmp_path: Path, packed: bool) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    of_files = previewed(config_of(tmp_path))
    suffix = ".gz" if packed else ""
    for shard in [*(tmp_path / "in").iterdir()] if packed else ():
        (tmp_path / "in" / f"{shard.name}{suffix}").write_bytes(gzip.compress(shard.read_bytes()))
    with web(tmp_path) as url:
        given = {"shards": f"{url}/in/{{00000,00001}}.tar{suffix}"}
        found = previewed(config_of(tmp_path, input=given))
    assert [one.by_source for one in found.names] == [one.by_source for one in of_files.names]
    assert found.samples == 40


def test_what_the_filter_would_drop_is_counted(tmp_path: Path) -> None:
    pictures = [jpeg(draw(Scene("fox", "hammer", "snow", seed=seed))) for seed in range(6)]
    entries = [sample(f"{n}", jpg=picture, txt="a fox") for n, picture in enumerate(pictures)]
    whole = labelling_config(tmp_path, BY_IMAGE, filter={"min_similarity": -1})
    labelled = Labelled(tmp_path, whole, [entry for each in entries for entry in each])
    scores = sorted(row["score.similarity"] for row in labelled.rows.values())
    least = (scores[2] + scores[3]) / 2
    config = labelling_config(tmp_path, BY_IMAGE, filter={"min_similarity": least})
    assert previewed(config).filtered == 3


def test_shards_without_a_sample_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "0.tar").write_bytes(make_tar([("readme", b"")]))
    with pytest.raises(FairshardError, match="no shard holds a sample that can be read"):
        previewed(config_of(tmp_path))


def test_pictures_of_other_kinds_are_read_where_an_extension_asks_for_them(tmp_path: Path) -> None:
    entries = [*sample("a", gif=_as("GIF")), *sample("b", avif=_as("AVIF")), *sample("c", jpg=FOX)]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    given: dict[str, Any] = {"members": {"image": ["jpg", "gif", "avif"]}}
    found = previewed(labelling_config(tmp_path, BY_IMAGE, input=given))
    assert (found.names[0].hits, found.rejected) == (3, ())
    config = labelling_config(tmp_path, BY_IMAGE, input=given)
    record = Labeller(config).label(find_shards(config.input)[0], Storage(config.output.url))
    table = read_labels(Storage(config.output.url), record)
    assert table.column("s.figure.fox").to_pylist() == [True, True, True]


def _as(form: str) -> bytes:
    """The fox in another kind of file."""
    sink = io.BytesIO()
    Image.open(io.BytesIO(FOX)).save(sink, form)
    return sink.getvalue()


def test_names_that_are_never_or_always_seen_are_named(tmp_path: Path) -> None:
    entries = [entry for n in range(9) for entry in sample(f"{n}", json={"words": ["tie"]})]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    names = [f"n{number}" for number in range(7)]
    config = labelling_config(
        tmp_path,
        {"g": {"field": "words", "names": {"tie": {"target": 0.5}}}},
        labels={"l": {"field": "words", "names": names}},
    )
    assert previewed(config).advice == (
        "never recognised in 9 samples: l.n0, l.n1, l.n2, l.n3, l.n4 and 2 more; are they rare, or "
        "is what they are recognised by not in the data?",
        "recognised in every sample: g.tie; what holds of all cannot be balanced",
    )
