"""The truth of derived attributes, which follows from that of the names they are made of."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from transforms.config.columns import Derived
from transforms.config.schema import Schema

Truths = NDArray[np.float64]


def derived_truths(
    given: pa.Table, keys: pa.Array, flags: NDArray[np.bool_], schema: Schema
) -> pa.Table:
    """The rows (key, attribute, truth) that follow from those that are `given`, and are not there.

    keys, (n,), have `flags`, (n, m + c). Labels are taken as recognised. An attribute of which none
    is given is left out unless samples with and without it are among those that it follows for.
    """
    columns = dict(zip(schema.pattern_columns, flags.T.astype(np.float64), strict=True))
    known: dict[str, Truths] = {
        f"s.{attribute.name}": _of_attribute(attribute.name, given, keys)
        for attribute in schema.attributes
    }
    truths, made = {**columns, **known}, [given.slice(0, 0)]
    for entry in schema.derived:
        if entry.kind != "s":
            continue
        name, said = entry.column.removeprefix("s."), known[entry.column]
        truths[entry.column] = np.where(np.isnan(said), _follows(entry, truths), said)
        new = np.isnan(said) & ~np.isnan(truths[entry.column])
        recognised = columns[entry.column][new]
        if np.isnan(said).all() and (not recognised.any() or recognised.all()):
            continue
        rows = {
            "key": keys.filter(pa.array(new)),
            "attribute": pa.array([name] * int(new.sum()), pa.string()),
            "truth": pa.array(truths[entry.column][new] == 1),
        }
        made.append(pa.table(rows, schema=given.schema))
    return pa.concat_tables(made)


def _of_attribute(name: str, given: pa.Table, keys: pa.Array) -> Truths:
    """What is given of an attribute for each key: 1, 0, or NaN."""
    rows = given.filter(pc.equal(given["attribute"], name))
    at = pc.index_in(keys, value_set=rows["key"].combine_chunks())
    truth = rows["truth"].combine_chunks().take(at).cast(pa.float64())
    return np.asarray(truth.to_numpy(zero_copy_only=False), np.float64)


def _follows(entry: Derived, truths: dict[str, Truths]) -> Truths:
    terms = [truths[part] for part in entry.all_of]
    terms += [1 - truths[part] for part in entry.none_of]
    if entry.any_of:
        terms.append(1 - _all([1 - truths[part] for part in entry.any_of]))
    return _all(terms)


def _all(terms: list[Truths]) -> Truths:
    """1 where all are; 0 where any is, whatever is not known; NaN elsewhere (Kleene's logic)."""
    values = np.array(terms)
    unknown = np.where(np.isnan(values).any(axis=0), np.nan, 1.0)
    return np.where((values == 0).any(axis=0), 0.0, unknown)
