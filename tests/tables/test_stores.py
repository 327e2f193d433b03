"""Tables and what is kept of them on object stores."""

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.servers import BUCKET, SERVERS
from tests.tables.joins import join, lists_of, table_of
from tests.tables.test_joining import small
from transforms.base.errors import ChangedInputError
from transforms.storage import paths
from transforms.storage.files import Storage


@pytest.mark.parametrize("server", SERVERS)
def test_a_join_from_and_to_an_object_store(server: str) -> None:
    samples = {stem: [{"key": f"{stem}{n}"} for n in range(3)] for stem in ("a", "b")}
    with SERVERS[server]() as store:
        system = fsspec.core.url_to_fs(store.url, **store.options)[0]
        for number in range(3):
            with system.open(f"{BUCKET}/t/x{number}.parquet", "wb") as stream:
                rows = {"key": [f"a{number}", f"b{number}"], "p": [number, 10 * number]}
                pq.write_table(pa.table(rows), stream)
        table = table_of(f"{store.url}/t", storage_options=store.options)
        storage = Storage(f"{store.url}/out", store.options)
        with small(bucket=10**6):
            found = join([table], samples, storage)
            again = join([table], samples, storage, keep=False)
        assert lists_of(found) == lists_of(again) == {"a": [[0], [1], [2]], "b": [[0], [10], [20]]}
        assert storage.names(paths.JOINS) == ()
        assert len(storage.names(paths.TABLES)) > 3
        file = table.files()[0]
        with system.open(f"{BUCKET}/t/x0.parquet", "wb") as stream:
            pq.write_table(pa.table({"key": ["a0", "b0"], "p": [1, 10]}), stream)
        with pytest.raises(
            ChangedInputError, match=f"the table file {store.url}/t/x0.parquet changed"
        ):
            [*table.batches(file)]
