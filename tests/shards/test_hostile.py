"""Hostile input: nothing outside the output is written, nothing run, and memory is bounded."""

import pickle
import shutil
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.begin.demo.corpus import MODEL
from tests import fuzzing
from tests.bombs import exif, jpeg_of, scans
from tests.fixtures import config_of, tree, write_corpus
from tests.fuzzing import artefacts, checkpoints, images
from tests.labels.test_corrupt import png_header
from tests.outputs import config_for, finished_output
from tests.tarmaking import events, make_tar, pax_entry, raw_entry
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.files import parse_config
from transforms.config.sections import Limits, Model
from transforms.labels.labelling import Labeller
from transforms.recognition.clip import Clip
from transforms.recognition.decoding import Decoder
from transforms.recognition.fields import parse
from transforms.recognition.image_kinds import EXTENSIONS, asked_for
from transforms.resampling.records import output_record_from
from transforms.shards.finding import find_shards
from transforms.shards.samples import Sample
from transforms.storage.files import output_storage

QUICK = [name for name in fuzzing.TARGETS if name not in ("tokens", "checkpoints")]


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_what_fuzzing_starts_from_and_has_found_is_answered(name: str) -> None:
    target = fuzzing.target(name)
    for content in (*target.seeds(), *(path.read_bytes() for path in fuzzing.found(name))):
        target.check(content)


@pytest.mark.parametrize("name", QUICK)
@given(data=st.data())
def test_changed_bytes_are_answered(name: str, data: st.DataObject) -> None:
    target = fuzzing.target(name)
    content = bytearray(data.draw(st.sampled_from(target.seeds())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    target.check(bytes(content))


@pytest.mark.parametrize("name", QUICK)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_answered(name: str, content: bytes) -> None:
    fuzzing.target(name).check(content)


def test_the_payload_would_leave_its_trace_if_it_were_run() -> None:
    pickle.loads(checkpoints.seeds()[5])
    assert checkpoints.TRACE.exists()
    checkpoints.TRACE.rmdir()


def test_a_pickle_in_a_model_is_refused_in_words(tmp_path: Path) -> None:
    shutil.copy(MODEL / "open_clip_config.json", tmp_path)
    (tmp_path / "open_clip_pytorch_model.bin").write_bytes(checkpoints.seeds()[3])
    with pytest.raises(FairshardError, match=r"cannot be loaded: Weights only load failed"):
        Clip(Model(name=f"local-dir:{tmp_path}", device="cpu"))
    assert not checkpoints.TRACE.exists()


LAUGHS = "\n".join(f"l{n + 1}: &l{n + 1} [{', '.join([f'*l{n}'] * 10)}]" for n in range(12))
MERGES = "\n".join(f"m{n + 1}: &m{n + 1}\n  <<: [{', '.join([f'*m{n}'] * 10)}]" for n in range(12))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"l0: &l0 [x]\n{LAUGHS}", "holds more than 1,000,000 values: use fewer aliases"),
        (f"m0: &m0 {{a: 1}}\n{MERGES}", "holds more than 1,000,000 values: use fewer aliases"),
        ("a: &a [*a]", "an alias holds itself"),
        ("a: " + "[" * 5000, "nested too deeply"),
        ("seed: " + "9" * 5000, "is not valid YAML: Exceeds the limit"),
        ("seed: 2001-99-99", "line 1: 2001-99-99 is read as a date"),
        ("input: {part_bytes: -0x" + "f" * 5000 + "}", "part_bytes: .*a number of that size"),
        ("labels: {l: {field: w, names: [[a]]}}", "labels.l.names: should be"),
        ("utility: {scale: .inf}", "utility.scale: should be a finite number"),
        ("seed: !!python/object/apply:os.mkdir [x]", "could not determine a constructor"),
    ],
)
def test_a_hostile_configuration_is_refused_in_words(text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error) as caught:
        parse_config(text, "config.yaml")
    assert len(str(caught.value)) < 2000


def test_aliases_may_be_used() -> None:
    names = "{a: &n {target: 0.5, lexicon: &w [x]}, b: *n, c: {target: 0.1, lexicon: *w}}"
    rest = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}"
    config = parse_config(f"attributes: {{g: {{names: {names}}}}}\n{rest}", "config.yaml")
    assert config.attributes["g"].names["c"].lexicon == ("x",)


def test_metadata_takes_memory_in_proportion_to_its_limit() -> None:
    most = Limits().max_metadata_bytes
    content = b'{"a":[' + b",".join([b'{"a":9}'] * (most // 8 - 1)) + b"]}"
    assert most * 0.9 < len(content) <= most
    tracemalloc.start()
    parse(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * most


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ("max_caption_bytes", "a.txt"),
        ("max_metadata_bytes", "a.json"),
        ("max_member_bytes", "a.jpg"),
    ],
)
def test_each_kind_of_member_has_its_limit(limit: str, name: str) -> None:
    tar = make_tar([(name, b"x" * 100), ("b.cls", b"x" * 1000)])
    most = dict.fromkeys(("max_member_bytes", "max_caption_bytes", "max_metadata_bytes"), 10_000)
    assert all(isinstance(entry, Sample) for entry in events(tar, Limits(**most | {limit: 100})))
    reject, sample = events(tar, Limits(**most | {limit: 99}))
    assert (reject.key, sample.key) == ("a", "b")
    assert f"has 100 bytes, more than input.limits.{limit} = 99" in reject.error


def test_long_names_are_rejected_and_not_kept() -> None:
    long = pax_entry(b"100017 path=" + b"n" * 100_000 + b".txt\n") + raw_entry(b"x", b"x")
    reject, sample = events(long + make_tar([("b.txt", b"b")]))
    assert reject.key == "n" * 4096
    assert "has 100004 bytes, more than input.limits.max_name_bytes = 4096" in reject.error
    assert len(reject.error) < 1000
    assert sample.key == "b"


def test_the_label_stage_says_which_shard_has_too_many_entries(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=2, shards=1)
    config = config_of(tmp_path, input={"shards": "in/*.tar", "limits": {"max_entries": 5}})
    (shard,) = find_shards(config.input)
    with pytest.raises(FairshardError, match=rf"the shard {shard.url} holds more than"):
        Labeller(config).label(shard, output_storage(config.output))


def test_an_output_shard_whose_record_is_none_is_written_again(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60, shards=1)
    config = config_for(tmp_path, **artefacts.CONFIG)
    finished_output(config)
    record = tmp_path / "out" / "done" / "shards" / "00000.json"
    before = tree(tmp_path / "out")
    record.write_bytes(b'{"number": []}')
    finished_output(config)
    assert tree(tmp_path / "out") == before
    assert output_record_from(record.read_bytes()).number == 0


def test_a_shard_of_too_many_entries_is_refused() -> None:
    tar = make_tar([(f"{n}.txt", b"x") for n in range(4)])
    assert len(events(tar, Limits(max_entries=4))) == 4
    with pytest.raises(FairshardError, match=r"shard holds more than .* = 3 tar .* byte 3,072"):
        events(tar, Limits(max_entries=3))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (png_header(65_500), "4,290,250,000 pixels, more than limits.max_pixels"),
        (jpeg_of(65_500), "4,290,250,000 pixels, more than limits.max_pixels"),
        (exif(101), "more than 100 EXIF segments"),
        (scans(40), "1,000 x 1,000 pixels has 46 scans"),
        (scans(0)[:-3000], "cannot be decoded"),
        (b"\xff\xd8\xff" + bytes(100), "cannot be decoded"),
    ],
)
def test_a_bomb_is_refused_before_it_goes_off(content: bytes, error: str) -> None:
    decoder = Decoder(lambda image: image.convert("RGB"), 32, max_pixels=1_000_000)
    with pytest.raises(ValueError, match=error):
        decoder.decode(content)


def test_pictures_with_many_scans_or_odd_exif_are_decoded() -> None:
    asked = asked_for(EXTENSIONS)
    decoder = Decoder(lambda image: image.convert("RGB"), 32, max_pixels=1_000_000, asked=asked)
    assert decoder.decode(scans(24)).shape == (125, 125, 3)
    assert decoder.decode(exif(100)).shape == (16, 16, 3)
    for content in images.seeds():
        assert decoder.decode(content).shape == (24, 40, 3)
