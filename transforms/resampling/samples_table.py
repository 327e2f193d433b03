"""The table beside an output shard: its samples, in their order, and what is known of each."""

from collections.abc import Sequence

import pyarrow as pa

from transforms.resampling.contents import Contents
from transforms.shards.copying import Source
from transforms.shards.tables_beside import UnusableError, rows_beside

_OF_THE_RANGE = ("key", "offset", "size")


def samples_table(contents: Contents) -> tuple[pa.Table, tuple[str, ...]]:
    """A row a sample of an output shard, in its order; and what of the input is left out, and why.

    key: as it is written. from.shard, from.key, from.offset: the input shard, by its name, the key
    there, and the byte where the sample begins. Then the columns of the label table, with the
    weight q, and those of the Parquet file beside the input shard, of their types; a column there
    that is named as one of these is left out.
    """
    tables, notes = [], []
    for source, labels, kept in zip(contents.sources, contents.labels, contents.kept, strict=True):
        own = _rows(source, labels)
        try:
            keys = [piece.key for piece in source.pieces]
            beside = rows_beside(source.url, keys, kept, contents.storage_options)
        except UnusableError as error:
            beside = None
            notes.append(f"the table beside {source.name} is not joined: {error}")
        tables.append(own if beside is None else _with(own, beside))
    apart = _apart(tables)
    notes += [f"the column {name!r} is of types that do not go together" for name in apart]
    return _together(tables, apart), tuple(notes)


def _rows(source: Source, labels: pa.Table) -> pa.Table:
    pieces = source.pieces
    known = (name for name in labels.column_names if name not in _OF_THE_RANGE)
    return pa.table(
        {
            "key": pa.array([piece.new_key or piece.key for piece in pieces], pa.string()),
            "from.shard": pa.array([source.name] * len(pieces), pa.string()),
            "from.key": labels.column("key"),
            "from.offset": labels.column("offset"),
            **{name: labels.column(name) for name in known},
        }
    )


def _with(own: pa.Table, beside: pa.Table) -> pa.Table:
    for name in beside.column_names:
        if name not in own.column_names:
            own = own.append_column(beside.schema.field(name), beside.column(name))
    return own


def _together(tables: Sequence[pa.Table], apart: Sequence[str]) -> pa.Table:
    """The rows of all, without the columns `apart`; a column that some lack is null there."""
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
