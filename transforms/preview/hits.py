"""Which of a preview's samples carry each name: recognised, and derived as label tables are."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from transforms.config.columns import Recognised, without_source
from transforms.config.groups import CrossedGroup
from transforms.config.schema import Schema, schema_of
from transforms.config.sections import Config
from transforms.labels.derived import with_derived
from transforms.preview.reading import SeenSample

Flags = NDArray[np.bool_]


def hits_of(config: Config, seen: Sequence[SeenSample]) -> Mapping[str, Flags]:
    """The samples that carry each name, bool (n,), by its column without a source."""
    schema = schema_of(config)
    hits: dict[str, Flags] = {}
    for column, flags in _flags(schema, config, seen).items():
        name = without_source(column)
        hits[name] = flags | hits[name] if name in hits else flags
    return hits


def _flags(schema: Schema, config: Config, seen: Sequence[SeenSample]) -> Mapping[str, Flags]:
    """The flags that a label table of the samples would have, as it is read."""
    recognised = {entry.column: _recognised(entry, config, seen) for entry in schema.recognised}
    table = with_derived(pa.table(recognised), schema.derived, schema.pattern_columns)
    return {
        column: np.asarray(table.column(column).to_numpy(zero_copy_only=False))
        for column in schema.pattern_columns
    }


def _recognised(entry: Recognised, config: Config, seen: Sequence[SeenSample]) -> Flags:
    group = (config.attributes if entry.kind == "s" else config.labels).get(entry.group)
    all_must = group is not None and not isinstance(group, CrossedGroup) and group.combine == "all"
    name, sources = without_source(entry.column), frozenset(entry.sources)
    of_samples = (sample.sources.get(name, frozenset()) & sources for sample in seen)
    return np.array([found == sources if all_must else bool(found) for found in of_samples], bool)
