"""Tables and what their rows are joined by, as a configuration has them."""

from pathlib import Path

import pytest

from transforms.base.errors import ConfigError
from transforms.config.files import anchored, parse_config
from transforms.config.sections import Config

REST = (
    "input: {shards: a.tar}\nbalance: {V: 100.0, eta: 0.5}\noutput: {url: out}\n"
    "attributes: {g: {names: {w: {target: 0.5, column: {table: t, name: p, at_least: 0.7}}}}}\n"
)


def _parsed(table: str) -> Config:
    return parse_config(f"{REST}tables: {{t: {table}}}\n", "c.yaml")


@pytest.mark.parametrize(
    ("key", "by", "columns"),
    [
        ("key", "key", ("key",)),
        ("{column: uid, field: meta.uid}", "field", ("uid",)),
        ("[tar, member]", "member", ("tar", "member")),
        ("{tar: shard, member: file}", "member", ("shard", "file")),
    ],
)
def test_a_key_is_said_in_three_ways(key: str, by: str, columns: tuple[str, ...]) -> None:
    config = _parsed(f"{{url: p.parquet, key: {key}}}")
    assert (config.tables["t"].key.by, config.tables["t"].key.columns) == (by, columns)
    assert Config.model_validate(config.model_dump(mode="json")) == config
    assert Config.model_validate_json(config.model_dump_json(round_trip=True)) == config


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("{url: p}", "tables.t.key: missing"),
        ("{url: p, key: {field: uid}}", "tables.t.key: should be a column"),
        ("{url: p, key: [tar]}", "tables.t.key: should be two columns"),
        ("{url: p, key: {tar: a}}", "tables.t.key: should be a column"),
        ("{url: p, key: {tar: a, member: b, field: uid}}", "tables.t.key: a row is joined by tar"),
        ("{url: p, key: {colum: a}}", "tables.t.key.colum: unknown key; did you mean column"),
        ("{url: p, key: k, missing: maybe}", "tables.t.missing: should be 'absent' or 'reject'"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_at_its_key(table: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why.replace(".", r"\.")):
        _parsed(table)


def test_a_column_of_a_table_that_is_not_there_is_said() -> None:
    with pytest.raises(ConfigError, match="there is no table 't'; there are: tt"):
        parse_config(f"{REST}tables: {{tt: {{url: p, key: k}}}}\n", "c.yaml")


def test_a_column_of_a_table_where_there_is_none_is_said() -> None:
    with pytest.raises(ConfigError, match=r"there is no table 't', nor any other$"):
        parse_config(REST, "c.yaml")


def test_paths_of_tables_and_embeddings_are_taken_from_the_folder_of_the_file() -> None:
    text = (
        f"{REST}tables: {{t: {{url: [a/*.csv, 's3://b/c'], key: k}}}}\n"
        "embeddings: {e: {url: 'e/*.npy', metadata: m, model: {name: 'local-dir:tiny'}}}\n"
    )
    config = anchored(parse_config(text, "c.yaml"), Path("/here"))
    assert config.tables["t"].url == ("/here/a/*.csv", "s3://b/c")
    assert config.embeddings["e"].url == ("/here/e/*.npy",)
    assert config.embeddings["e"].metadata == ("/here/m",)
    assert config.embeddings["e"].model.name == "local-dir:/here/tiny"
