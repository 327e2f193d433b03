"""The table beside an output shard: its samples, in their order, and what is known of each."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from transforms.base.logs import LOGGER
from transforms.base.visible import visible
from transforms.resampling.contents import Contents
from transforms.shards.copying import Source
from transforms.shards.tables_beside import rows_beside

_OF_THE_RANGE = ("key", "offset", "size")


def samples_table(contents: Contents) -> pa.Table:
    """A row a sample of an output shard, in its order.

    key: as it is written. from.shard, from.key, from.offset: the input shard, by its name, the key
    there, and the byte where the sample begins. Then the columns of the label table, with the
    weight q, and those of the Parquet file beside the input shard, of their types; a column there
    that is named as one of these is left out.
    """
    pairs = zip(contents.sources, contents.labels, strict=True)
    return _together([_rows(*pair, contents.storage_options) for pair in pairs])


def _rows(source: Source, labels: pa.Table, options: dict[str, Any]) -> pa.Table:
    pieces = source.pieces
    columns = {
        "key": pa.array([piece.new_key or piece.key for piece in pieces], pa.string()),
        "from.shard": pa.array([source.name] * len(pieces), pa.string()),
        "from.key": labels.column("key"),
        "from.offset": labels.column("offset"),
    }
    known = (name for name in labels.column_names if name not in _OF_THE_RANGE)
    columns |= {name: labels.column(name) for name in known}
    beside = rows_beside(source.url, [piece.key for piece in pieces], options)
    if beside is not None:
        columns |= {
            name: beside.column(name) for name in beside.column_names if name not in columns
        }
    return pa.table(columns)


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of all, without columns whose types do not go together."""
    apart = _apart(tables)
    if apart:
        LOGGER.warning(
            "the columns %s of tables beside the input are left out, as they are of other types "
            "from shard to shard",
            visible(", ".join(apart)),
        )
    kept = [table.drop_columns([n for n in apart if n in table.column_names]) for table in tables]
    return pa.concat_tables(kept, promote_options="permissive").combine_chunks()


def _apart(tables: Sequence[pa.Table]) -> list[str]:
    """The names of columns whose types do not go together."""
    found = []
    for name in dict.fromkeys(name for table in tables for name in table.column_names):
        kinds = dict.fromkeys(t.schema.field(name).type for t in tables if name in t.column_names)
        try:
            pa.unify_schemas(
                [pa.schema([(name, kind)]) for kind in kinds], promote_options="permissive"
            )
        except pa.ArrowException:
            found.append(name)
    return found
