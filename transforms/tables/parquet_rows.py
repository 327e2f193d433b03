"""Tables in Parquet, read by batches of their row groups."""

from collections.abc import Iterator, Sequence
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from transforms.tables.lacking import require_columns

_ROWS_AT_ONCE = 1 << 17
_BUFFER_BYTES = 2**22


def parquet_batches(
    stream: IO[bytes], columns: Sequence[str], part: int = 0, parts: int = 1
) -> Iterator[pa.Table]:
    """Some columns of one of so many parts of a file, in its order; dots descend into structs.

    Memory does not grow with row groups.
    """
    file = pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES)
    schema = file.schema_arrow
    require_columns(columns, _names(schema))
    stored = [name if name in schema.names else name.split(".")[0] for name in columns]
    groups = file.num_row_groups
    taken = range(part * groups // parts, (part + 1) * groups // parts)
    wanted = [whole if whole == name else name for whole, name in zip(stored, columns, strict=True)]
    empty = schema.empty_table().select(list(dict.fromkeys(stored)))
    yield _table(empty, columns)
    for batch in file.iter_batches(
        _ROWS_AT_ONCE,
        row_groups=list(taken),
        columns=list(dict.fromkeys(wanted)),
        use_threads=False,
    ):
        yield _table(batch, columns)


def _table(batch: Any, columns: Sequence[str]) -> pa.Table:
    found = {name: _column(batch, name) for name in columns}
    return pa.table(list(found.values()), names=list(found))


def _column(batch: Any, name: str) -> Any:
    if name in batch.schema.names:
        return batch.column(name)
    first, *rest = name.split(".")
    return pc.struct_field(batch.column(first), rest)


def _names(schema: pa.Schema) -> Iterator[str]:
    """The names of all columns, and of all fields in structs."""
    coming = [("", field) for field in reversed(list(schema))]
    while coming:
        within, field = coming.pop()
        name = f"{within}{field.name}"
        yield name
        if pa.types.is_struct(field.type):
            coming += [(f"{name}.", inner) for inner in reversed(list(field.type))]
