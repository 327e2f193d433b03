"""Verification counts the samples of the input again, by its own reading of the shards."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from tests.commands import run
from tests.fixtures import config_of, write_corpus, write_tar
from tests.outputs import finished_output
from tests.shards.test_samples import HOSTILE, UNREADABLE
from tests.tampering import edit_json
from tests.tarmaking import make_tar
from tests.verification.test_verify import checks_of, said_by
from transforms.config.files import read_config
from transforms.config.sections import Config
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.verification.tars import members_of

LabelledRows = list[dict[str, object]]


def edit(
    out: Path, shard: str, table: Callable[[str], str], change: Callable[[LabelledRows], object]
) -> None:
    """Change the rows of a labelled shard's table, and its record so that it agrees with them."""
    path = out / table(shard)
    whole = pq.read_table(path)
    rows = whole.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, whole.schema), path)
    content = (out / paths.labels(shard)).read_bytes()
    found = {
        "samples": pq.read_metadata(out / paths.labels(shard)).num_rows,
        "rejects": pq.read_metadata(out / paths.rejects(shard)).num_rows,
        "table_bytes": len(content),
        "table_digest": xxhash.xxh3_128_hexdigest(content),
    }
    edit_json(out / paths.label_record(shard), lambda record: record.update(found))


def repeated(rows: LabelledRows) -> None:
    rows.insert(6, dict(rows[5]))


def moved(rows: LabelledRows) -> None:
    rows[5]["key"], rows[6]["key"] = rows[6]["key"], rows[5]["key"]


def invented(rows: LabelledRows) -> None:
    rows.append({**rows[-1], "key": "invented", "offset": 10**6})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shard of 50 samples that can be labelled, and one that is rejected."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, samples=50, shards=1)
    shard = folder / "in" / "00000.tar"
    members = shard.read_bytes().rstrip(b"\0")
    shard.write_bytes(members + bytes(-len(members) % 512) + make_tar([("bad.json", b"{")]))
    source = {"shards": "in/*.tar", "limits": {"max_reject_share": 0.5}}
    return config_of(folder, input=source, balance={"eta": 0.5, "max_association_bias": None})


def test_an_output_of_labels_that_lost_rows_is_noticed_by_counting_the_input(
    corpus: Config,
) -> None:
    def cut(storage: Storage, shard: str) -> None:
        edit(Path(storage.url), shard, paths.labels, lambda rows: rows.__delitem__(slice(10)))

    out = Path(finished_output(corpus, cut).url)
    (said,) = said_by(checks_of(out), "differs").items()
    assert said[0] == "inputs"
    assert "has 51 samples, and 40 labels and 1 rejects are of it: '0000000', for one" in said[1]


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        (paths.labels, lambda rows: rows.pop(5), "51 samples, and 49 labels and 1 rejects"),
        (paths.labels, repeated, "where the shard has no sample, or one labelled"),
        (paths.labels, moved, "have '0000006' in bytes"),
        (paths.labels, invented, "have 'invented' in bytes 1,000,000 to"),
        (paths.rejects, lambda rows: rows.pop(), "0 rejects are of it: 'bad', for one"),
        (paths.rejects, lambda rows: rows.append(rows[0]), "50 labels and 2 rejects are of it"),
    ],
)
def test_samples_that_tables_lack_or_invent_are_noticed(
    corpus: Config, table: Callable[[str], str], change: Callable[[LabelledRows], object], said: str
) -> None:
    out = Path(finished_output(corpus).url)
    assert not said_by(checks_of(out), "differs", "not checked")
    (shard,) = (path.stem for path in (out / "labels").iterdir())
    edit(out, shard, table, change)
    assert said in said_by(checks_of(out), "differs")["inputs"]


def test_an_input_that_is_of_another_version_is_noticed(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60)
    finished_output(config_of(tmp_path))
    write_corpus(tmp_path, samples=60)
    assert "is not what was labelled" in said_by(checks_of(tmp_path / "out"), "differs")["inputs"]


@pytest.mark.parametrize("middle", [*(m for m, _, _ in HOSTILE.values())])
def test_shards_with_rejects_agree(tmp_path: Path, middle: bytes) -> None:
    assert result_of(tmp_path, middle) == "agrees"


def test_rejects_of_keys_that_hold_dots_are_the_one_sample_that_loaders_see(
    tmp_path: Path,
) -> None:
    dotted = make_tar([(f"k.{n}.txt", b"a man") for n in range(3)]).rstrip(b"\0")
    middle = dotted + bytes(-len(dotted) % 512)
    assert result_of(tmp_path, middle) == "agrees"


@pytest.mark.parametrize("middle", [*(rest for rest, _ in UNREADABLE.values())])
def test_damaged_shards_do_not_differ(tmp_path: Path, middle: bytes) -> None:
    assert result_of(tmp_path, middle) in ("agrees", "not checked")


def result_of(folder: Path, middle: bytes) -> str:
    """What is found where `middle` stands amid good samples."""
    first = make_tar([(f"{n:02d}.txt", b"a man" if n % 3 else b"a woman") for n in range(9)])
    last = make_tar([("last.txt", b"a woman")])
    (folder / "in").mkdir()
    (folder / "in" / "a.tar").write_bytes(first[: 9 * 1024] + middle + last)
    limits = {"max_reject_share": 1.0, "max_lost_share": 1.0}
    source = {"shards": "in/*.tar", "limits": limits}
    finished_output(config_of(folder, input=source, labels={}, balance={"eta": 1.0}))
    return checks_of(folder / "out")["inputs"].result


def test_archives_that_were_joined_are_read_to_the_end(tmp_path: Path) -> None:
    parts = [make_tar([(f"{part}.txt", b"")]) for part in "abc"]
    joined = tmp_path / "joined.tar"
    joined.write_bytes(b"".join(parts) + b"no tar")
    with joined.open("rb") as stream:
        members = [(m.name, archive) for m, archive, _ in members_of(stream)]
    assert members == [("a.txt", 0), ("b.txt", 10240), ("c.txt", 20480)]


@pytest.mark.parametrize("middle", [b"", make_tar([("c.txt", b"")])])
def test_a_sample_that_two_archives_share_is_a_sample_and_a_reject(
    tmp_path: Path, middle: bytes
) -> None:
    ends = make_tar([("00.txt", b"a man"), ("cut.json", b"{}")]), make_tar([("cut.txt", b"a man")])
    assert result_of(tmp_path, middle.join(ends)) == "agrees"


def test_what_was_not_counted_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path, samples=60)
    out = Path(finished_output(config_of(tmp_path)).url)
    assert run("verify", out, "--json", "--skip-inputs") == 0
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["inputs"]["result"] == "not checked"
    assert "not counted, as asked" in checks["inputs"]["remark"]


CONFIG = """\
input: {shards: "in/*.tar"}
attributes: {hue: {names: {red: {target: 0.5, lexicon: [red]}}}}
balance: {eta: 0.5}
output: {url: out, samples_per_shard: 40}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("eta: 0.5", "eta: 0.25", "balance.eta differs"),
        ("target: 0.5", "target: 0.4", "attributes.hue.names.red.target differs"),
        ("[red]", "[red, rose]", "attributes.hue.names.red.lexicon differs"),
        ("samples_per_shard: 40", "samples_per_shard: 50", "output.samples_per_shard differs"),
        ("balance: {eta: 0.5}", "balance: {eta: 0.6}\nseed: 3", "balance.eta and seed differ:"),
    ],
)
def test_a_configuration_that_is_not_the_outputs_own_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    config = made_with(tmp_path)
    config.write_text(CONFIG.replace(old, new))
    assert run("verify", tmp_path / "out", "--config", config) == 2
    assert said in capsys.readouterr().err


def test_where_things_lie_and_how_they_are_worked_on_may_differ(tmp_path: Path) -> None:
    config = made_with(tmp_path)
    budgets = "limits: {max_reject_share: 1, max_rejects: 9, max_lost_shards: 9, max_lost_share: 1}"
    elsewhere = CONFIG.replace("url: out", "url: other")
    elsewhere = elsewhere.replace('"in/*.tar"', f'"./in/a.tar", {budgets}')
    config.write_text(f"{elsewhere}engine: {{name: spark}}\n")
    assert run("verify", tmp_path / "out", "--config", config) == 0


def made_with(folder: Path) -> Path:
    """The configuration of a finished output in `folder`/out."""
    red = {f"{n:02d}.txt": b"a red hat" if n % 3 else b"a hat" for n in range(60)}
    write_tar(folder / "in" / "a.tar", red)
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    finished_output(read_config(config))
    return config


def test_files_of_others_beside_the_shards_are_no_difference(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=60)
    out = Path(finished_output(config_of(tmp_path)).url)
    (out / "shards" / "00000.idx").write_text("0 0")
    (out / "shards" / "wids.json").write_text("{}")
    assert not said_by(checks_of(out), "differs")
