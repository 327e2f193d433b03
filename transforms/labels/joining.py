"""The second half of labelling: what tables tell of samples is joined to what was recognised.

A sample without a row in a table that says `missing: reject` is a reject of the stage `table`:
samples are conserved.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from transforms.config.schema import JOINED_BY, schema_of
from transforms.config.sections import Config
from transforms.labels.joined_similarity import JoinedSimilarity
from transforms.labels.joined_utility import utility_in
from transforms.labels.joined_values import JoinedValues, values_of
from transforms.labels.labelling import publish_labels
from transforms.labels.layers import LABELS, RECOGNISED
from transforms.labels.records import LabelRecord, finished
from transforms.labels.tables import REJECTS, vouched
from transforms.recognition.kinds import TableRecogniser, built
from transforms.recognition.settings import group_of
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed
from transforms.tables.sources import rows_of
from transforms.tables.tasks import ROWS, SampleTable

STAGE = "table"
_KEY = "key"
_FIELD = "field."

Flags = NDArray[np.bool_]
Joined = Mapping[str, pa.Table]
"""By table, a row a sample: how many rows it has there, and lists of their values by column."""


def read_recognised(shard: SampleTable, columns: Sequence[str], storage: Storage) -> pa.Table:
    """What tables are joined by of the samples of a shard: `key`, and `field.<path>`."""
    stored = {
        name: name if name == _KEY else f"{JOINED_BY}{name.removeprefix(_FIELD)}"
        for name in columns
    }
    table = _recognised(storage, shard.name, shard.digest).select(list(stored.values()))
    return table.rename_columns(list(stored))


class Joiner:
    """Makes label tables of what was recognised in shards and of what tables have for it."""

    def __init__(self, config: Config, settings: str) -> None:
        self._settings = settings
        self._schema = schema_of(config)
        self._rejecting = [table.name for table in rows_of(config) if table.missing == "reject"]
        self._recognisers = built(config, TableRecogniser)
        self._similarity = JoinedSimilarity(config)
        self._values = JoinedValues(self._schema)
        self._utility_column = config.utility.column
        self._combine = [group_of(config, entry).combine for entry in self._schema.recognised]

    def write(self, recognised: LabelRecord, joined: Joined, storage: Storage) -> LabelRecord:
        """Write the label table of a shard, its rejects and, last, its record; or find them."""
        done = finished(recognised.shard, self._settings, storage)
        if done is not None:
            return done
        began, name = time.perf_counter(), recognised.shard.name
        samples = _recognised(storage, name, recognised.table_digest)
        rejects = _rejected(storage, recognised)
        table, missing = self.labels(samples, joined)
        took = time.perf_counter() - began
        seconds = recognised.seconds
        return publish_labels(
            replace(
                recognised,
                settings=self._settings,
                seconds={**seconds, "join": took, "total": seconds.get("total", 0.0) + took},
            ),
            table,
            pa.concat_tables([rejects, missing]).combine_chunks(),
            storage,
            LABELS,
        )

    def labels(self, samples: pa.Table, joined: Joined) -> tuple[pa.Table, pa.Table]:
        """The label table of `samples`, and the rejects among them, both in their order."""
        columns = {name: samples.column(name) for name in samples.column_names}
        for number, flags in self._flags(samples, joined).items():
            columns[self._schema.recognised[number].column] = pa.array(flags)
        columns |= self._similarity.columns(samples, joined)
        columns |= self._values.columns(joined)
        utility, without = self._utility(samples, joined)
        columns |= utility
        whole = pa.table([columns[name] for name in self._schema.arrow.names], self._schema.arrow)
        errors = {**without, **self._lacking(joined)}
        lacking = np.zeros(len(samples), np.bool_)
        lacking[list(errors)] = True
        rejects = pa.table(
            {
                "key": samples.column(_KEY).filter(pa.array(lacking)),
                "stage": pa.array([STAGE] * len(errors), pa.string()),
                "error": pa.array([errors[sample] for sample in sorted(errors)], pa.string()),
            },
            REJECTS,
        )
        return whole.filter(pa.array(~lacking)).combine_chunks(), rejects

    def _flags(self, samples: pa.Table, joined: Joined) -> dict[int, Flags]:
        """The label columns that tables have a say in, by number, with what was recognised."""
        values = {
            (name, column): table.column(column).combine_chunks()
            for name, table in joined.items()
            for column in table.column_names
            if column != ROWS
        }
        found: dict[int, Flags] = {}
        for recognise in self._recognisers.values():
            for number, flags in recognise(values).items():
                before = found.get(number, self._own(number, samples))
                found[number] = flags if before is None else self._combined(number, before, flags)
        return found

    def _own(self, number: int, samples: pa.Table) -> Flags | None:
        """What was recognised for a column, if samples tell of it."""
        entry = self._schema.recognised[number]
        return samples.column(entry.column).to_numpy() if entry.of_samples else None

    def _combined(self, number: int, one: Flags, other: Flags) -> Flags:
        return one & other if self._combine[number] == "all" else one | other

    def _utility(
        self, samples: pa.Table, joined: Joined
    ) -> tuple[dict[str, pa.Array], dict[int, str]]:
        """The utility, where a column of a table is it, and why samples have none, by row."""
        if self._utility_column is None:
            return {}, {}
        scale = samples.column("utility").to_numpy()
        values = values_of(self._utility_column, joined)
        utility, without = utility_in(values, self._utility_column, scale)
        return {"utility": pa.array(utility)}, without

    def _lacking(self, joined: Joined) -> dict[int, str]:
        """The samples that lack a row or a similarity that they must have, and which, by row."""
        errors: dict[int, str] = {}
        if (unscored := self._similarity.lacking(joined)) is not None:
            table, without = unscored
            why = f"the table {table} has no caption for it, and so no similarity"
            errors |= dict.fromkeys(np.flatnonzero(without).tolist(), why)
        for name in reversed(self._rejecting):
            without = joined[name].column(ROWS).to_numpy() == 0
            why = f"the table {name} has no row for it"
            errors |= dict.fromkeys(np.flatnonzero(without).tolist(), why)
        return errors


def _recognised(storage: Storage, shard: str, digest: str) -> pa.Table:
    return _table(storage, RECOGNISED.table(shard), digest, RECOGNISED.record(shard))


def _rejected(storage: Storage, record: LabelRecord) -> pa.Table:
    shard = record.shard.name
    name, digest = RECOGNISED.rejects(shard), record.rejects_digest
    return _table(storage, name, digest, RECOGNISED.record(shard)).cast(REJECTS)


def _table(storage: Storage, name: str, digest: str, record: str) -> pa.Table:
    content = vouched(storage, name, digest, record)
    with well_formed(
        f"{storage.path(name)} is no table: delete {storage.path(record)} to read the shard again"
    ):
        return pq.read_table(pa.BufferReader(content))
