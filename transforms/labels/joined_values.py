"""What label tables hold of the columns of tables that the filter asks of."""

from collections.abc import Mapping

import pyarrow as pa

from transforms.config.schema import Schema, value_column
from transforms.config.tables import TableColumn
from transforms.recognition.typed_values import as_values


class JoinedValues:
    """The columns of values that a schema wants of tables."""

    def __init__(self, schema: Schema) -> None:
        self._wanted = schema.joined

    def columns(self, joined: Mapping[str, pa.Table]) -> dict[str, pa.ListArray]:
        """A list a sample, of what its rows have."""
        return {value_column(column): values_of(column, joined) for column in self._wanted}


def values_of(column: TableColumn, joined: Mapping[str, pa.Table]) -> pa.ListArray:
    """What the rows of each sample have in a column, as label tables hold it."""
    return as_values(joined[column.table].column(column.name))
