"""Rows and samples that have the same key: lists of values, and what found nothing, counted."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from transforms.storage import paths
from transforms.storage.documents import parsed, to_json
from transforms.storage.files import Storage
from transforms.tables.counts import TableCounts, merged_counts, smallest
from transforms.tables.keys import hashes, shown_key
from transforms.tables.partitioning import partition_of, rows_in, typed, with_keys
from transforms.tables.row_groups import read_group, told_in, write_groups
from transforms.tables.row_index import Codes, RowIndex, list_schema
from transforms.tables.rows import KEY, Rows
from transforms.tables.sample_keys import SAMPLES, keyed, samples_of
from transforms.tables.tasks import Clash, MatchTask, ReadSamples, Result, ShardMatchTask

_SAMPLES_AT_ONCE = 1 << 20
_RESULT = TypeAdapter(Result)


def match_bucket(task: MatchTask, number: int, rows: Rows, storage: Storage) -> Result:
    """Match the rows of a bucket with the samples of all groups, or find that done.

    `number` is the table's. Takes the memory of the bucket's rows, and of a million samples or the
    bucket's of one group.
    """
    name = paths.join_matches(task.join, number, task.bucket)
    told = told_in(storage, name)
    if told is not None:
        return parsed(told, _RESULT)
    table = rows_in(partition_of(task.digest, storage), task.bucket, storage)
    matcher = _Matcher(rows.name, table, by_key_alone=rows.key.by == "key")
    groups = (
        read_group(storage, paths.join_samples(task.join, number, group), task.bucket)
        for group in range(task.groups)
    )
    write_groups(
        storage,
        name,
        list_schema(table.schema),
        matcher.matched(groups),
        lambda: to_json(matcher.result()),
    )
    return matcher.result()


def match_shards(
    task: ShardMatchTask, number: int, rows: Rows, read: ReadSamples, storage: Storage
) -> Result:
    """Match the samples of each shard of a group with the rows of its own files, or find that done.

    Takes the memory of one shard's rows, and of the group's matches.
    """
    name = paths.join_matches(task.join, number, task.group)
    told = told_in(storage, name)
    if told is not None:
        return parsed(told, _RESULT)
    partition = partition_of(task.digest, storage)
    counts: list[TableCounts] = []
    matched: list[pa.Table] = []
    for place, (shard, files) in enumerate(zip(task.shards, task.files, strict=True)):
        given = typed((batch for file in files for batch in rows.batches(file)), partition)
        table = with_keys(given)
        samples = keyed(samples_of(shard, [rows.key], read), rows.key, shard, task.first + place)
        matcher = _Matcher(rows.name, table, by_key_alone=False)
        matched += matcher.matched([samples])
        keyless, keyless_rows = shard.samples - len(samples), len(given) - len(table)
        lacking = TableCounts(rows.name, 0, keyless, keyless, keyless_rows=keyless_rows)
        counts += [*matcher.result().counts, lacking]
    result = Result(counts=merged_counts(counts))
    together = pa.concat_tables(matched)
    write_groups(storage, name, together.schema, [together], lambda: to_json(result))
    return result


class _Matcher:
    """The matches of samples with rows, and what is counted of both."""

    def __init__(self, name: str, rows: pa.Table, by_key_alone: bool) -> None:
        self._name = name
        self._index = RowIndex.of(rows)
        self._schema = list_schema(rows.schema)
        self._by_key_alone = by_key_alone
        self._with_row = self._without = 0
        self._of_samples: tuple[str, ...] = ()
        self._first = np.full(len(self._index.keys), -1, np.int64)
        self._second = self._first.copy()

    def matched(self, groups: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Of each group of samples (`SAMPLES`), those that have rows, with these as lists."""
        held: list[pa.Table] = []
        count = 0
        for samples in groups:
            held.append(samples)
            count += len(samples)
            if count >= _SAMPLES_AT_ONCE:
                yield from self._found(held)
                held, count = [], 0
        yield from self._found(held)

    def result(self) -> Result:
        """What was counted of all the samples and rows, and a key of two shards, if one is."""
        index, found = self._index, self._first >= 0
        lacking = index.keys.filter(pa.array(~found))
        counts = TableCounts(
            self._name,
            with_row=self._with_row,
            without_row=self._without,
            rows=int(index.counts.sum()),
            unmatched_rows=int(index.counts[~found].sum()),
            keys=len(index.keys),
            unmatched_keys=len(lacking),
            of_samples=self._of_samples,
            of_rows=smallest(lacking),
        )
        return Result(counts=(counts,), clash=self._clash())

    def _found(self, groups: list[pa.Table]) -> Iterator[pa.Table]:
        if not groups:
            return
        samples = pa.concat_tables([SAMPLES.empty_table(), *groups])
        keys = samples.column(KEY).combine_chunks()
        codes = self._index.find(keys)
        self._note(samples, keys, codes)
        start = 0
        for group in groups:
            of_group = codes[start : start + len(group)]
            start += len(group)
            there = of_group >= 0
            head = group.filter(pa.array(there)).combine_chunks()
            lists = self._index.lists(of_group[there], self._name)
            columns = [head.column("shard"), head.column("row"), *lists]
            yield pa.table(columns, names=self._schema.names).cast(self._schema)

    def _note(self, samples: pa.Table, keys: pa.Array, codes: Codes) -> None:
        found = codes >= 0
        self._with_row += int(found.sum())
        self._without += int((~found).sum())
        self._of_samples = smallest(keys.filter(pa.array(~found)), self._of_samples)
        shards = samples.column("shard").to_numpy()[found].astype(np.int64)
        if self._by_key_alone:
            self._note_shards(codes[found], shards)
        else:
            self._first[codes[found]] = shards

    def _note_shards(self, codes: Codes, shards: Codes) -> None:
        """Keep of each key the first of its shards, and the first that is another."""
        order = np.lexsort((shards, codes))
        for _ in range(2):
            codes, shards = codes[order], shards[order]
            first = np.flatnonzero(np.diff(codes, prepend=-1))
            of_codes, of_shards = codes[first], shards[first]
            new = self._first[of_codes] < 0
            self._first[of_codes[new]] = of_shards[new]
            other = (self._second[of_codes] < 0) & (self._first[of_codes] != of_shards)
            self._second[of_codes[other]] = of_shards[other]
            order = np.flatnonzero(self._first[codes] != shards)

    def _clash(self) -> Clash | None:
        """Of the keys that samples of two shards have, the one that comes first by its hash."""
        shared = np.flatnonzero(self._second >= 0)
        if not len(shared):
            return None
        keys = self._index.keys.take(pa.array(shared))
        one = int(np.argmin(hashes(keys)))
        code = shared[one]
        shards = int(self._first[code]), int(self._second[code])
        return Clash(self._name, shown_key(pc.cast(keys[one], pa.string()).as_py()), shards)
