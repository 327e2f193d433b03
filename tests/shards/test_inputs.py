"""What a configuration may name as its input, and under which names it is kept: real commands."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.run import label, rebalance
from jobs.run.dry_run import run as dry_run
from tests.commands import run
from tests.fixtures import config_of, tree, write_corpus
from tests.inprocess import InProcess
from tests.outputs import comparable
from tests.runs import quiet
from tests.servers import web
from tests.verification.test_verify import checks_of
from transforms.base.redaction import redacted
from transforms.config.files import read_config
from transforms.config.sections import Config
from transforms.shards.finding import find_shards
from transforms.shards.naming import stem_of
from transforms.shards.streams import open_tar
from transforms.shards.web_files import WebFile

QUICK = ["--", "--runner=FnApiRunner"]


def config_at(folder: Path, shards: str, url: str = "out", **sections: Any) -> Path:
    """A configuration file in `folder` that says `shards`, word for word."""
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        "input": {"shards": shards},
        "attributes": {"gender": {"share_of": "group", "names": names}},
        "balance": {"eta": 0.5},
        "output": {"url": url},
        "gates": {"enabled": False},
        **sections,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code of `fairshard check`, and what it says."""
    code = run("check", path)
    said = capsys.readouterr()
    return code, (said.out if code == 0 else said.err).replace("\n", " ")


@pytest.mark.parametrize(
    "name", ["run[2]", "run {a,b}", "run*", "run?", "a\\b", "${HOME}", "[!a]", "ü\u3000"]
)
def test_the_folder_of_a_configuration_is_no_pattern(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path / name, samples=20, shards=2)
    path = config_at(tmp_path / name, "in/*.tar")
    assert checked(path, capsys)[1].startswith("the configuration is valid: 2 shards")
    assert run("label", path, *QUICK) == 0
    assert len(list((tmp_path / name / "out/done/labels").iterdir())) == 2


def test_open_clips_urls_and_forms_that_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=40, shards=4)
    forms = {
        "in/00000.tar::in/0000{1..2}.tar": (0, "3 shards"),
        "pipe:cat in/00000.tar": (2, "a pipe: runs a command, and fairshard runs none: write"),
        "in/": (1, "in/ is a folder: write "),
        "in": (1, "in/*.tar for the shards in it"),
        "": (2, "names nothing: write a path, a URL or a glob"),
        "::": (2, "names nothing: write a path, a URL or a glob"),
        "$NO_SUCH/in/*.tar": (2, "input.shards: the environment variable NO_SUCH is not set"),
    }
    for form, (code, expected) in forms.items():
        found = checked(config_at(tmp_path, form), capsys)
        assert found[0] == code
        assert expected in found[1]


def test_variables_and_home_in_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home[1]"
    write_corpus(home, samples=20, shards=2)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("OUT", str(tmp_path / "there"))
    monkeypatch.setenv("EMPTY", "")
    config = read_config(config_at(tmp_path, "~/in/0000[01].tar", "$OUT"))
    assert config.output.url == str(tmp_path / "there")
    assert len(find_shards(config.input)) == 2
    assert run("label", config_at(tmp_path, "~/in/*.tar", "${OUT}/$$x"), *QUICK) == 0
    assert (tmp_path / "there" / "$x" / "done").is_dir()
    for url, expected in {
        "$NO_SUCH/out": "output.url: the environment variable NO_SUCH is not set",
        "${EMPTY}/out": "output.url: the environment variable EMPTY is empty",
        "${NO:-x}/out": "output.url: ${NO:-x} is no environment variable: write ${NAME}",
    }.items():
        code, said = checked(config_at(tmp_path, "~/in/*.tar", url), capsys)
        assert (code, expected in said) == (2, True), said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "home[1]", "there"]


def test_a_cache_of_links_is_read_and_what_is_left_out_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    snapshot = tmp_path / "snapshots" / "1f2e"
    snapshot.mkdir(parents=True)
    for number, shard in enumerate(sorted((tmp_path / "in").iterdir())):
        (snapshot / shard.name).symlink_to(shard.rename(tmp_path / "in" / f"blob{number}"))
        (snapshot / f"._{shard.name}").write_bytes(b"\x00\x05\x16\x07")
    (snapshot / "wids.json").write_bytes(b"{}")
    line = (
        "left out of the input: 2 hidden (._00000.tar, ._00001.tar); "
        "1 not named as a shard (wids.json)"
    )
    path = config_at(tmp_path, "snapshots/*/*")
    code, said = checked(path, capsys)
    assert (code, line in said) == (0, True)
    assert run("check", path, "--json") == 0
    asked = json.loads(capsys.readouterr().out)
    assert asked["left_out"] == [
        {"reason": "hidden", "count": 2, "names": ["._00000.tar", "._00001.tar"]},
        {"reason": "not named as a shard", "count": 1, "names": ["wids.json"]},
    ]
    assert run("doctor", path, "--json") == 0
    (finding,) = (f for f in json.loads(capsys.readouterr().out)["checks"] if f["check"] == "input")
    assert line in finding["found"]
    assert dry_run(read_config(path), ("label",), False)["would_do"][0] == line
    assert run("rebalance", path, "--json", "--allow-unmet", *QUICK) == 0
    ended = capsys.readouterr()
    assert line in ended.err
    assert json.loads(ended.out)["left_out"] == asked["left_out"]
    assert json.loads(ended.out)["samples"]["in"] == 60


def test_a_link_to_nothing_stops_the_run_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path, samples=20, shards=2)
    (tmp_path / "in" / "00002.tar").symlink_to("gone")
    assert run("rebalance", config_at(tmp_path, "in/*.tar"), *QUICK) == 1
    assert "00002.tar is a link to what does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("sized", [True, False])
def test_a_web_server_without_ranges_gives_what_a_disk_gives(tmp_path: Path, sized: bool) -> None:
    write_corpus(tmp_path, samples=60, shards=2)
    with web(tmp_path / "in", sized) as url:
        path = config_at(tmp_path, f"{url}/{{00000..00001}}.tar?X-Amz-Signature=1", "web")
        assert run("rebalance", path, "--allow-unmet", *QUICK) == 0
        assert run("verify", tmp_path / "web") == 0
        if sized:
            listed = read_config(config_at(tmp_path, f"{url}/*.tar"))
            assert len(find_shards(listed.input)) == 2
    assert run("rebalance", config_at(tmp_path, "in/*.tar"), "--allow-unmet", *QUICK) == 0
    assert comparable(tmp_path / "web") == comparable(tmp_path / "out")


def test_a_web_file_is_read_forward_and_again_from_its_beginning_where_it_must(
    tmp_path: Path,
) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a.tar").write_bytes(content)
    with web(tmp_path) as url, open_tar(f"{url}/a.tar", {}) as stream:
        for start, size in [(0, 10), (2_500_000, 400_000), (2_900_005, 9), (7, 100_000)]:
            stream.seek(start)
            assert stream.read(size) == content[start : start + size]
        stream.seek(2_999_999)
        assert stream.read(10) == content[-1:]
        assert isinstance(stream.raw._source, WebFile)  # type: ignore[attr-defined]


def old_output(config: Config) -> None:
    """Rebalance under the names that shards had when they were made of the path's tail.

    What looked like a secret in a path was then hidden in records.
    """
    shards = [replace(shard, name=stem_of(shard.name)) for shard in find_shards(config.input)]
    InProcess().rebalance(config, shards)
    for path in (Path(config.output.url) / "done/labels").iterdir():
        path.write_text(redacted(path.read_text()))


def test_an_output_of_old_names_is_kept_and_goes_on(tmp_path: Path) -> None:
    write_corpus(tmp_path, samples=120, shards=3)
    later = tmp_path / "in" / "00002.tar"
    later.rename(tmp_path / "later")
    config = config_of(tmp_path, gates={"enabled": False})
    old_output(config)
    before = tree(tmp_path / "out")
    said = quiet()
    assert rebalance.run(config, InProcess(), said)["samples"]["in"] == 80
    assert "the output is complete: nothing to do" in said.file.getvalue()  # type: ignore[attr-defined]
    assert tree(tmp_path / "out") == before
    assert run("verify", tmp_path / "out") == 0
    (tmp_path / "out/labels/00001.parquet").unlink()
    said = quiet()
    rebalance.run(config, InProcess(), said)
    assert "the plan is kept, if the labels come out" in said.file.getvalue()  # type: ignore[attr-defined]
    assert tree(tmp_path / "out") == before
    (tmp_path / "later").rename(later)
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 1
    records = {path.stem for path in (tmp_path / "out/done/labels").glob("*.json")}
    assert {"00000", "00001"} < records
    assert {stem_of(name) for name in records} == {"00000", "00001", "00002"}
    assert rebalance.run(config, InProcess(), quiet())["samples"]["in"] == 120
    assert run("verify", tmp_path / "out") == 0


def test_an_old_output_goes_on_though_a_path_looks_like_a_secret(tmp_path: Path) -> None:
    write_corpus(tmp_path / "tokens=1", samples=40, shards=1)
    config = config_of(tmp_path, input={"shards": "*/in/*.tar"}, gates={"enabled": False})
    old_output(config)
    write_corpus(tmp_path / "more", samples=40, shards=1)
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 1
    assert rebalance.run(config, InProcess(), quiet())["samples"]["in"] == 80


def test_what_comes_and_goes_renames_no_shard(tmp_path: Path) -> None:
    write_corpus(tmp_path / "tokens=1", samples=40, shards=2)
    config = config_of(tmp_path, input={"shards": "*/in/*.tar"})
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 2
    deep = tmp_path / ("x" * 200) / ("y" * 200)
    write_corpus(deep, samples=40, shards=2, seed=1)
    (tmp_path / "tokens=2").symlink_to(deep)
    shutil.copy2(tmp_path / "tokens=1/in/00000.tar", deep / "in" / ".hidden.tar")
    config = config_of(tmp_path, input={"shards": ["*/in/*.tar", "tokens=2/in/.hidden.tar"]})
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 3
    assert label.run(config, InProcess(), quiet())["labelled_now"] == 0
    (tmp_path / "tokens=1/in/00000.tar").unlink()
    again = label.run(config, InProcess(), quiet())
    assert (again["labelled_now"], again["shards"]) == (0, 4)


def test_folders_that_look_like_secrets_are_found_again(tmp_path: Path) -> None:
    for place in ("tokens=77", "password=x y", "secret=a&b"):
        write_corpus(tmp_path / place, samples=40, shards=1)
    config = config_of(tmp_path, input={"shards": "*/in/*.tar"}, gates={"enabled": False})
    rebalance.run(config, InProcess(), quiet())
    assert {check.result for check in checks_of(tmp_path / "out").values()} == {"agrees"}


def test_a_corpus_that_moved_gives_the_same_shards(tmp_path: Path) -> None:
    for place in ("here", "elsewhere"):
        write_corpus(tmp_path / place, samples=120, shards=3)
        config = config_of(tmp_path / place, gates={"enabled": False})
        rebalance.run(config, InProcess(), quiet())
    assert comparable(tmp_path / "here/out") == comparable(tmp_path / "elsewhere/out")
