"""Secrets of a configuration never leave it: not into files, nor into what a run prints."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import yaml
from fsspec.implementations.local import LocalFileSystem
from hypothesis import given
from hypothesis import strategies as st

from tests.commands import run
from tests.fixtures import write_corpus
from transforms.base.errors import ConfigError, FairshardError, error_in
from transforms.base.redaction import redacted, redacted_values
from transforms.config.files import parse_config
from transforms.config.sections import Model
from transforms.plan.make import shown_config
from transforms.recognition.checkpoints import fetched, model_identity
from transforms.shards.naming import name_of

QUICK = ["--", "--runner=FnApiRunner"]
SECRETS = ("hunter2", "s3kr1t", "t0k3n", "sw0rdf1sh")


class Vault(LocalFileSystem):  # type: ignore[misc]
    """A store behind a user and a password in its URLs: vault://bot:hunter2@store/a/path."""

    protocol = "vault"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return f"/{path.partition('@store/')[2]}" if "@store/" in path else path

    def unstrip_protocol(self, name: str) -> str:
        return f"vault://bot:hunter2@store{name}"


@pytest.fixture(autouse=True)
def _vault() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    fsspec.register_implementation("vault", Vault, clobber=True)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def config_at(folder: Path, **more: Any) -> Path:
    write_corpus(folder, samples=120, shards=2)
    names = {name: {"target": 0.5, "lexicon": [name]} for name in ("woman", "man")}
    values = {
        "input": {
            "shards": f"vault://bot:hunter2@store{folder}/in/*.tar",
            "storage_options": {"secret": "s3kr1t", "client": {"token": "t0k3n"}},
        },
        "attributes": {"gender": {"share_of": "group", "names": names}},
        "balance": {"eta": 0.5},
        "output": {
            "url": f"vault://bot:hunter2@store{folder}/out",
            "storage_options": {"key": "sw0rdf1sh"},
        },
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def leaks(folder: Path, said: str) -> list[str]:
    """Where a secret is found: of the files below `folder`, and of what was said."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 8
    found = [
        f"{path.relative_to(folder)}: {secret}"
        for path in files
        for secret in SECRETS
        if secret.encode() in path.read_bytes() or secret in str(path.relative_to(folder))
    ]
    return found + [f"output: {secret}" for secret in SECRETS if secret in said]


@pytest.mark.parametrize("options", [("--json-logs", "--json"), ()])
def test_a_whole_run_keeps_its_secrets(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    path = config_at(tmp_path, telemetry={"otlp_endpoint": "http://bot:hunter2@127.0.0.1:9"})
    assert run("rebalance", path, *options, *QUICK) == 0
    assert run("metrics", tmp_path / "out") == 0
    assert run("doctor", path, "--json") == 0
    said = capfd.readouterr()
    assert "vault://***@store" in said.out
    assert leaks(tmp_path / "out", said.out + said.err) == []
    (path,) = (tmp_path / "out/done/labels").glob("00000--*.json")
    record = json.loads(path.read_text())
    assert record["shard"]["url"] == f"vault://***@store{tmp_path}/in/00000.tar"


def test_a_rerun_finds_shards_done_whose_records_hold_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = config_at(tmp_path)
    assert run("label", path, *QUICK) == 0
    capfd.readouterr()
    assert run("label", path, "--json", *QUICK) == 0
    assert json.loads(capfd.readouterr().out)["labelled_now"] == 0


def test_errors_keep_secrets(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = config_at(tmp_path)
    (tmp_path / "in/00001.tar").unlink()
    path.write_text(path.read_text().replace("*.tar", "0000{0..1}.tar"))
    assert run("rebalance", path, *QUICK) == 1
    assert run("resample", path, *QUICK) == 1
    assert run("doctor", path) == 1
    said = capfd.readouterr()
    assert "vault://***@store" in said.err
    assert not any(secret in said.out + said.err for secret in SECRETS)


def test_what_a_plan_shows_of_the_configuration_holds_none(tmp_path: Path) -> None:
    model = {"name": "ViT-B-32", "pretrained": "https://host/m.pt?sig=t0k3n"}
    path = config_at(tmp_path, model=model, calibration="vault://bot:hunter2@store/c.json")
    config = parse_config(path.read_text(), "here")
    shown = json.dumps(shown_config(config))
    assert not any(secret in shown for secret in SECRETS)
    assert "https://host/m.pt?sig=***" in shown
    again = type(config).model_validate_json(config.model_dump_json(round_trip=True))
    assert again.model == config.model
    assert again.input == config.input


def test_storage_options_of_the_wrong_kind_are_not_shown() -> None:
    with pytest.raises(ConfigError) as raised:
        parse_config("input: {shards: a.tar, storage_options: hunter2}", "here")
    assert "input.storage_options" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_the_name_of_a_shard_holds_no_secret() -> None:
    names = [name_of(f"vault://bot:{word}@store/00000.tar") for word in ("hunter2", "changed")]
    assert names[0] == names[1] == name_of("vault://store/00000.tar")
    assert names[0].startswith("00000--")


def test_a_fetched_checkpoint_is_named_without_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "m.pt"
    file.write_bytes(b"weights")
    copy = fetched(f"vault://bot:hunter2@store{file}")
    assert copy.read_bytes() == b"weights"
    url = f"vault://bot:{{}}@store{file}"
    first, second = (
        model_identity(Model(name="ViT-B-32", pretrained=url.format(secret)))
        for secret in ("hunter2", "changed")
    )
    assert first == second


def test_an_error_of_a_worker_arrives_without_secrets() -> None:
    error = FairshardError("the shard https://me:hunter2@host/a.tar?sig=t0k3n is gone")
    assert str(error) == "the shard https://***@host/a.tar?sig=*** is gone"
    found = error_in(f"{FairshardError.__module__}.FairshardError: {error} [while running 'x']")
    assert str(found) == str(error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://key:hunter2@bucket/a.tar", "s3://***@bucket/a.tar"),
        ("https://hunter2@host/a", "https://***@host/a"),
        ("simplecache::https://me:hunter2@host/a", "simplecache::https://***@host/a"),
        ("https://h/a?sv=1&sig=t0k3n%3D&se=2", "https://h/a?sv=***&sig=***&se=***"),
        ("https://h/a?X-Amz-Signature=t0k3n then", "https://h/a?X-Amz-Signature=*** then"),
        ("{'secret': 's3kr1t', 'anon': False}", "{'secret': '***', 'anon': False}"),
        ('{"account_key": "s3kr1t"}', "{\"account_key\": '***'}"),
        ("S3FileSystem(token=t0k3n)", "S3FileSystem(token=***)"),
        ("Authorization: Bearer t0k3nt0k3n", "Authorization: Bearer ***"),
    ],
)
def test_secrets_are_told_by_their_place(text: str, shown: str) -> None:
    assert redacted(text) == shown
    assert redacted(shown) == shown


@pytest.mark.parametrize(
    "text",
    [
        "abfs://container@account.dfs.core.windows.net/a.tar",
        "s3://bucket/0000?.tar",
        "input.limits.max_reject_share = 0.05 allows",
        "balance.token: unknown key; see `fairshard init`",
        "sftp://me@host/a.tar",
        "what would do: 1,200 more samples",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text())
def test_what_is_redacted_stays_as_it_is(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_values_lose_secrets_by_their_names() -> None:
    values = {
        "storage_options": {"anything": "sw0rdf1sh", "n": 3},
        "nested": [{"api_key": "s3kr1t", "samples": 3, "url": "s3://a:hunter2@b"}],
        "share": 0.5,
    }
    assert redacted_values(values) == {
        "storage_options": {"anything": "***", "n": "***"},
        "nested": [{"api_key": "***", "samples": 3, "url": "s3://***@b"}],
        "share": 0.5,
    }
