"""Is the true bias of a rebalanced corpus what was asked for?

It is measured on labels that no recogniser made.

`python -m benchmarks.truth --samples 20000` draws a demo corpus, rebalances it with the
configuration that comes with it, and compares the bias of the labels that the samples were drawn
from, before and after, with the bounds that the tolerances imply for the plan.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from benchmarks.machine import machine
from jobs.begin import corpus
from jobs.run import rebalance
from jobs.session.engines import runner_for
from transforms.config.files import read_config
from transforms.config.schema import Schema, schema_of
from transforms.outcome.artefacts import read_artefacts
from transforms.shards.samples import Sample, open_tar, read_samples
from transforms.stages.registrations import load_registrations
from transforms.statistics.histogram import Histogram, HistogramAccumulator
from transforms.statistics.measures import measure
from transforms.statistics.standard_errors import sampling_error
from transforms.storage.files import Storage, output_storage


def true_histogram(truth: pa.Table, schema: Schema) -> Histogram:
    """The histogram of the true labels of `truth`, in the order of the schema's columns."""
    flags = np.column_stack(
        [
            np.equal(truth.column(entry.group).to_numpy(zero_copy_only=False), entry.name)
            for entry in schema.recognised
        ]
    )
    names = tuple(attribute.name for attribute in schema.attributes)
    counted = HistogramAccumulator(names, schema.labels)
    return counted.add_rows(flags, np.ones(truth.num_rows)).extract()


def written_keys(storage: Storage) -> list[str]:
    """The keys of the samples in the output shards, as a loader reads them."""
    config = read_artefacts(storage).config
    keys = []
    for name in storage.names("shards"):
        with open_tar(storage.path(f"shards/{name}"), {}) as stream:
            entries = read_samples(stream, config.input.members, config.input.limits)
            keys += [entry.key for entry in entries if isinstance(entry, Sample)]
    return keys


def main() -> None:
    """Draw, rebalance, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        made = corpus.run(Path(folder), options.samples, 8, options.seed, console)
        load_registrations()
        config = read_config(Path(made["config"]))
        rebalance.run(config, runner_for(config), console)
        storage, schema = output_storage(config.output), schema_of(config)
        artefacts = read_artefacts(storage)
        truth = pq.read_table(Path(folder) / "truth.parquet")
        kept = truth.filter(pa.compute.is_in(truth.column("key"), pa.array(written_keys(storage))))
        before = measure(true_histogram(truth, schema), schema.attributes)
        after = measure(true_histogram(kept, schema), schema.attributes)
    errors = sampling_error(artefacts.histogram, artefacts.attributes, artefacts.q)
    print(machine())
    print(f"{options.samples:,} samples drawn, {kept.num_rows:,} kept")
    for name, largest in (("RB", "max_RB"), ("AB", "max_AB")):
        bound, error = getattr(artefacts.asked, name), getattr(errors, name)
        excess = (np.abs(getattr(after, name)) - bound) / error
        print(
            f"true {name}: {getattr(before, largest):.4f} before, {getattr(after, largest):.4f} "
            f"after; asked for at most {bound.max():.4f}; standard error {error.max():.4f}; "
            f"the worst is {excess.max():+.1f} standard errors from its bound"
        )


if __name__ == "__main__":
    main()
