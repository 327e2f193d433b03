"""What tables tell of a preview's samples: their rows looked for, in so many rows at most."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.config.columns import without_source
from transforms.config.embeddings import rows_name
from transforms.config.recognisers import Source
from transforms.config.schema import SIMILARITY, schema_of
from transforms.config.sections import Config
from transforms.labels.joined_similarity import first_numbers
from transforms.preview.preview import PreviewedTable
from transforms.preview.reading import SeenSample
from transforms.recognition.fields import key_at
from transforms.recognition.kinds import TableRecogniser, built
from transforms.shards.naming import file_stem
from transforms.tables.column_types import as_type, common_types, typed_texts, types_in
from transforms.tables.keys import key_texts, sample_member_keys, shown_key
from transforms.tables.row_index import RowIndex
from transforms.tables.rows import KEY, RowFile, Rows
from transforms.tables.sources import rows_of

_MOST_ROWS = 1_000_000
_EXAMPLES = 3


def joined_heads(
    config: Config, seen: Sequence[SeenSample]
) -> tuple[tuple[SeenSample, ...], tuple[PreviewedTable, ...]]:
    """The samples with what tables tell of them, and how far these have rows for them.

    Raises FairshardError where a table cannot be read, or lacks a column.
    """
    if not seen:
        return (), ()
    joined: dict[tuple[str, str], pa.Array] = {}
    tables = []
    for rows in rows_of(config):
        values, told = _looked_up(rows, seen)
        joined |= {(rows.name, name): lists for name, lists in values.items()}
        tables.append(told)
    found: list[dict[str, frozenset[Source]]] = [dict(sample.sources) for sample in seen]
    entries = schema_of(config).recognised
    for recognise in built(config, TableRecogniser).values():
        for number, flags in recognise(joined).items():
            name, sources = without_source(entries[number].column), entries[number].sources
            for sample in np.flatnonzero(flags):
                known = found[sample].get(name, frozenset())
                found[sample][name] = known.union(sources)
    scores = _similarities(config, seen, joined)
    of_filter = {
        column: [values or () for values in joined[column.table, column.name].to_pylist()]
        for column in schema_of(config).joined
    }
    joined_samples = (
        replace(
            sample,
            sources=sources,
            similarity=score,
            joined={column: values[number] for column, values in of_filter.items()},
        )
        for number, (sample, sources, score) in enumerate(zip(seen, found, scores, strict=True))
    )
    return tuple(joined_samples), tuple(tables)


def _similarities(
    config: Config, seen: Sequence[SeenSample], joined: Mapping[tuple[str, str], pa.Array]
) -> list[float | None]:
    """The similarity of each sample: what embeddings give, where they are to."""
    lists = joined.get((rows_name(config.similarity_from), SIMILARITY))
    if lists is None:
        return [one.similarity for one in seen]
    return [None if math.isnan(score) else score for score in first_numbers(lists).tolist()]


def _looked_up(
    rows: Rows, seen: Sequence[SeenSample]
) -> tuple[Mapping[str, pa.Array], PreviewedTable]:
    """Of each sample the lists of its values by column, and how many have any."""
    keys, files = _keys(rows, seen), _files(rows, seen)
    looked, held, some, whole = 0, [], pa.array([], pa.string()), True
    texts = any(map(rows.untyped, files))
    for table in _batches(rows, files):
        if looked >= _MOST_ROWS:
            whole = False
            break
        looked += len(table)
        some = some if len(some) else table.column(KEY).combine_chunks()[:_EXAMPLES]
        held.append(table.filter(pc.is_in(table.column(KEY), value_set=keys)))
    index = RowIndex.of(_together(held, texts) if held else pa.table({KEY: some[:0]}))
    codes = index.find(keys)
    there = codes >= 0
    _, *lists = index.lists(codes[there], rows.name)
    places = np.full(len(keys), -1, np.int64)
    places[there] = np.arange(there.sum())
    taken = pa.array(places, mask=~there)
    names = held[0].column_names[1:] if held else []
    without = keys.filter(pa.array(~there)).drop_null()[:_EXAMPLES].to_pylist()
    told = PreviewedTable(
        rows.name,
        len(seen),
        int(there.sum()),
        looked,
        whole,
        tuple(map(shown_key, without)),
        tuple(map(shown_key, some.to_pylist())),
    )
    return {name: one.take(taken) for name, one in zip(names, lists, strict=True)}, told


def _keys(rows: Rows, seen: Sequence[SeenSample]) -> pa.Array:
    """The key of each sample, as rows have it."""
    key = rows.key
    if key.field is not None:
        return pa.array([key_at(sample.document, key.field) for sample in seen], pa.string())
    keys = key_texts(pa.array([sample.location.key for sample in seen], pa.string()))
    if key.by == "key":
        return keys
    stems = [file_stem(sample.location.shard.url) for sample in seen]
    found = (
        sample_member_keys(stem, keys.slice(row, 1))[0].as_py() for row, stem in enumerate(stems)
    )
    return pa.array(list(found), pa.string())


def _files(rows: Rows, seen: Sequence[SeenSample]) -> list[RowFile]:
    """The files to look through: those that are named as the samples' shards are, if all are."""
    files, stems = rows.files(), {file_stem(sample.location.shard.url) for sample in seen}
    own = [file for file in files if file.name in stems]
    if rows.layout == "shards" or (rows.layout == "auto" and {one.name for one in own} == stems):
        return own
    return list(files)


def _batches(rows: Rows, files: Sequence[RowFile]) -> Iterator[pa.Table]:
    for file in files:
        yield from rows.batches(file)


def _together(tables: Sequence[pa.Table], texts: bool) -> pa.Table:
    """Tables as one, whose columns have one type."""
    types = types_in(tables[0], texts)
    for table in tables[1:]:
        types = common_types(types, types_in(table, texts), texts)
    typed = typed_texts if texts else as_type
    made = []
    for table in tables:
        key, *columns = (column.combine_chunks() for column in table.columns)
        values = [typed(one, kind) for one, kind in zip(columns, types.values(), strict=True)]
        made.append(pa.table([key, *values], names=table.column_names))
    return pa.concat_tables(made)
