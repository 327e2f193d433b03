"""Tables beside input shards on servers: found beside whatever a URL holds, or not there."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.servers import web
from transforms.base.errors import UnreachableError
from transforms.shards.naming import beside
from transforms.shards.tables_beside import UnusableError, rows_beside

KEYS = ["b", "a", "b", "x"]
KEPT = pa.chunked_array([["a", "b"], ["x"]])


@pytest.mark.parametrize(
    ("shard", "table"),
    [
        ("/in/00000.tar", "/in/00000.parquet"),
        ("/in.tar/0.0.TAR.GZ", "/in.tar/0.0.parquet"),
        ("s3://b/00000.tgz", "s3://b/00000.parquet"),
        ("s3://b/a?.tar", "s3://b/a?.parquet"),
        ("http://h:1/0.tar?sig=a.tar", "http://h:1/0.parquet?sig=a.tar"),
    ],
)
def test_it_is_named_as_the_shard(shard: str, table: str) -> None:
    assert beside(shard, ".parquet") == table


def table_in(folder: Path) -> None:
    rows = {"key": ["a", "b", None, "c"], "n": [1, 2, 3, 4], "__index__": [[1], [], None, [2]]}
    pq.write_table(pa.table(rows), folder / "0.parquet")


@pytest.mark.parametrize("sized", [True, False])
def test_a_web_server_gives_it_or_has_none(tmp_path: Path, sized: bool) -> None:
    table_in(tmp_path)
    (tmp_path / "2.parquet").write_bytes(b"<html>not found</html>")
    with web(tmp_path, sized=sized) as url:
        found = rows_beside(f"{url}/0.tar?token=s3cret", KEYS, KEPT, {})
        assert found is not None
        assert found.column("n").to_pylist() == [2, 1, 2, None]
        assert found.column("__index__").to_pylist() == [[], [1], [], None]
        assert rows_beside(f"{url}/1.tar", KEYS, KEPT, {}) is None
        with pytest.raises(UnusableError, match="no Parquet"):
            rows_beside(f"{url}/2.tar", KEYS, KEPT, {})


def test_a_server_that_is_gone_is_said_without_its_secrets() -> None:
    with pytest.raises(UnreachableError, match=r"0\.parquet.*output\.beside: \[sizes\]") as said:
        rows_beside("http://127.0.0.1:9/0.tar?token=s3cret", KEYS, KEPT, {})
    assert "s3cret" not in str(said.value)
