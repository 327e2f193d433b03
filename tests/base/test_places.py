"""Input and output are told apart by where they are, before anything is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from tests.outputs import finished_output
from tests.servers import BUCKET, Store, s3
from tests.uploads import answering
from transforms.shards.inputs import found_apart

LEFT_OUT = "left out of the input: {} in the output's folders (00000.tar, 00001.tar"
CALM = ["--", "--runner=FnApiRunner"]


def write_config(
    folder: Path,
    shards: Any,
    output: str,
    options: dict[str, Any] | None = None,
    output_options: dict[str, Any] | None = None,
) -> Path:
    """A configuration that reads `shards` and writes to `output`, both from `folder`."""
    values = config_of(folder, gates={"enabled": False}).model_dump(mode="json")
    values["input"] = {"shards": shards, "storage_options": options or {}}
    values["output"] = {
        "url": output,
        "samples_per_shard": 10,
        "storage_options": output_options or {},
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(values))
    return path


def all_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time and bytes of every file in a folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "config.yaml"]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two shards in data/shards, two more in more/shards, and links to places of theirs."""
    for name in ("data", "more"):
        write_corpus(tmp_path / name, samples=20, shards=2)
        (tmp_path / name / "in").rename(tmp_path / name / "shards")
    (tmp_path / "link").symlink_to("data")
    (tmp_path / "flat").symlink_to("data/shards")
    (tmp_path / "one.tar").symlink_to("data/shards/00000.tar")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/shards").symlink_to("../data/shards")
    return tmp_path


@pytest.mark.parametrize(
    ("shards", "output"),
    [
        ("data/shards/*.tar", "data"),
        ("data/shards/*.tar", "{folder}//data/"),
        ("data/shards/*.tar", "file://{folder}/data"),
        ("local://{folder}/data/shards/{{00000..00001}}.tar", "data"),
        ("data/shards/00001.tar", "new/../data"),
        ("simplecache::file://{folder}/data/shards/*.tar", "data"),
        ("filecache::local://{folder}/data/shards/*.tar", "link"),
        ("data/../data//shards/*.tar", "link"),
        ("link/shards/*.tar", "data"),
        ("flat/*.tar", "data"),
        ("one.tar", "data"),
        ("data/shards/*.tar", "out"),
        ("d*/shards/*.tar", "data"),
        ("{{data,more}}/shards/*.tar", "data"),
        (["more/shards/*.tar", "data/shards/*.tar"], "data"),
        ("**/*.tar", "data"),
    ],
)
def test_an_input_that_a_run_would_overwrite_is_refused(
    corpus: Path, shards: Any, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spelled = json.loads(json.dumps(shards).replace("{folder}", str(corpus)))
    spelled = json.loads(json.dumps(spelled).replace("{{", "{").replace("}}", "}"))
    config = write_config(corpus, spelled, output.format(folder=corpus))
    before = all_of(corpus)
    assert run("check", config) == 2
    assert run("label", config, *CALM) == 2
    assert run("rebalance", config, "--dry-run") == 2
    sentences = capsys.readouterr().err.splitlines()
    assert len(sentences) == 3
    assert all("give output.url a folder of its own" in sentence for sentence in sentences)
    assert all_of(corpus) == before


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus in data/in, balanced into data/out, which lies below data/**."""
    folder = tmp_path_factory.mktemp("balanced")
    write_corpus(folder / "data", samples=40, shards=2)
    config = config_of(
        folder / "data",
        input={"shards": "**/*.tar"},
        output={"url": "out", "samples_per_shard": 10},
    )
    finished_output(config)
    return folder


COMMANDS: list[list[Any]] = [
    *([stage] for stage in ("label", "solve", "resample", "rebalance")),
    ["rebalance", "--dry-run"],
    ["rebalance", "--restart"],
    *(["gate", stage] for stage in ("labels", "plan", "output")),
    *([job] for job in ("frontier", "compare", "suggest")),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_balances_an_output_into_itself(
    balanced: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(balanced, "data/out/shards/*.tar", "data/out")
    before = all_of(balanced)
    command, *more = words
    if command == "gate":
        assert run(command, *more, config) == 2
    else:
        assert run(command, config, *more) == 2
    assert "input.shards and output.url: " in capsys.readouterr().err
    assert all_of(balanced) == before


def test_the_doctor_and_a_calibration_say_so_too(
    balanced: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(balanced, "data/in/../out/shards/*.tar", "data/out")
    (balanced / "checked.csv").write_text("key,attribute,truth\n0000001,gender.woman,1\n")
    before = all_of(balanced)
    assert run("calibrate", config, balanced / "checked.csv") == 2
    assert run("doctor", config, "--json") == 1
    (found,) = [
        check
        for check in json.loads(capsys.readouterr().out)["checks"]
        if check["check"] == "input"
    ]
    assert found["status"] == "missing"
    assert "give output.url a folder of its own" in found["found"]
    assert all_of(balanced) == before


def test_an_output_below_the_input_is_left_out_and_said(
    balanced: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, fresh = write_config(balanced, "data/**/*.tar", "data/out"), tree(balanced / "data/out")
    said = LEFT_OUT.format(
        len([name for name in fresh if name.startswith("shards/") and name.endswith(".tar")])
    )
    assert run("check", config) == 0
    assert said in capsys.readouterr().out
    assert run("doctor", config, "--json") == 0
    assert f" MB; {said}" in capsys.readouterr().out
    assert run("rebalance", config, "--dry-run") == 0
    planned = capsys.readouterr().out
    assert planned.startswith(said)
    assert "the labels of all 2 shards are kept" in planned
    assert run("resample", config, "--allow-unmet", *CALM) == 0
    assert said in capsys.readouterr().err
    assert tree(balanced / "data/out") == fresh


def test_an_output_is_another_ones_input(balanced: Path) -> None:
    config = write_config(balanced, ["data/out/shards/*.tar", "data/in/*.tar"], "data/out/next")
    assert run("check", config) == 0
    config = write_config(balanced, "data/out/shards/*.tar", "again")
    assert run("label", config, *CALM) == 0
    assert not (balanced / "again/shards").exists()


def test_what_is_beside_the_output_s_own_folders_is_input(corpus: Path) -> None:
    (corpus / "data/raw").mkdir()
    for shard in (corpus / "data/shards").iterdir():
        (corpus / "data/raw" / shard.name).hardlink_to(shard)
    assert run("check", write_config(corpus, "data/raw/*.tar", "data")) == 0
    assert run("check", write_config(corpus, "data/shards/*.tar", "data/shards")) == 0
    assert run("check", write_config(corpus, "data/shards/*.tar", "dat")) == 0


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with s3() as running:
        yield running


def test_two_spellings_of_a_bucket_are_one(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    for shard in (tmp_path / "in").iterdir():
        store.system.pipe_file(f"{BUCKET}/data/shards/{shard.name}", shard.read_bytes())
    host, port = store.address
    other = store.behind(f"http://localhost:{port}" if host == "127.0.0.1" else f"http://{host}")
    before = store.system.find(BUCKET)
    for shards, output, into in (
        (f"s3://{BUCKET}/data/shards/*.tar", f"s3a://{BUCKET}/data/", store),
        (f"s3a://{BUCKET}/data/shards/00000.tar", f"s3://{BUCKET}/data", other),
        (f"s3://{BUCKET}/data/**/*.tar", f"s3://{BUCKET}/data", other),
    ):
        assert (
            run("label", write_config(tmp_path, shards, output, store.options, into.options)) == 2
        )
        assert "give output.url a folder of its own" in capsys.readouterr().err
    assert store.system.find(BUCKET) == before
    shards = f"s3://{BUCKET}/data/shards/*.tar"
    for output in (f"s3://{BUCKET}/dat", f"s3://{BUCKET}/data/shards/new", str(tmp_path / "data")):
        options = store.options if output.startswith("s3") else {}
        assert run("check", write_config(tmp_path, shards, output, store.options, options)) == 0


def test_the_same_keys_of_another_store_are_others(tmp_path: Path, store: Store) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    content = (tmp_path / "in/00000.tar").read_bytes()
    store.system.pipe_file(f"{BUCKET}/far/shards/00000.tar", content)
    shards, output = f"s3://{BUCKET}/far/**/*.tar", f"s3://{BUCKET}/far"
    with answering({}) as url:
        elsewhere = store.behind(url).options
        assert run("check", write_config(tmp_path, shards, output, store.options, elsewhere)) == 0


def test_on_s3_too_an_output_below_the_input_is_left_out(
    tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=40, shards=2)
    for shard in (tmp_path / "in").iterdir():
        store.system.pipe_file(f"{BUCKET}/below/in/{shard.name}", shard.read_bytes())
    options = {"storage_options": store.options}
    config = config_of(
        tmp_path,
        input={"shards": f"s3://{BUCKET}/below/**/*.tar", **options},
        output={"url": f"s3a://{BUCKET}/below/out", **options},
    )
    finished_output(config)
    assert len(found_apart(config).shards) == 2
    shards, output = f"s3://{BUCKET}/below/**/*.tar", f"s3://{BUCKET}/below/out"
    assert run("check", write_config(tmp_path, shards, output, *2 * [store.options])) == 0
    assert "1 in the output's folders (00000.tar)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("data/my::folder/out", "holds `::`"),
        ("simplecache::s3://bucket/out", "holds `::`"),
        ("s3://", "names no place on a storage"),
        ("gs:///", "names no place on a storage"),
        ("://bucket/out", "names no place on a storage"),
        ("memory://out", "is the memory of one process"),
    ],
)
def test_an_output_that_would_be_written_elsewhere_is_refused(
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    url: str,
    why: str,
) -> None:
    monkeypatch.chdir(corpus)
    config = write_config(corpus, "data/shards/*.tar", url)
    (corpus / "data" / "my").write_text("the user's own")
    before = all_of(corpus)
    for arguments in (["check", config], ["label", config, *CALM], ["clean", url]):
        assert run(*arguments) == 2
        assert why in capsys.readouterr().err
    config = write_config(corpus, "data/shards/*.tar", "out")
    assert run("label", config, "--output", url, *CALM) == 2
    assert all_of(corpus) == before
