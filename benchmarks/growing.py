"""A corpus that grows and whose bias drifts, added to an output generation by generation.

`python -m benchmarks.growing --generations 10 --shards 2 --samples 2000` makes shards of pictures
that are but metadata, ever fewer of them of women, and adds so many to the output each time. A row
a generation: its new samples, those it wrote and all that are written, the worst representation and
association bias of the union beside what was asked, the seconds, and the bytes that were read and
written under the output and the input. The last line: what the last cost, over the first that was
added.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from jobs.run.running import run_command
from jobs.session.engines import runner_for
from jobs.session.options import new_run
from tests.fixtures import write_tar
from tests.growing import corpus, manifest_of
from tests.runs import quiet
from transforms.config.sections import Config

_ROW = "{:>10}{:>10}{:>10}{:>10}{:>9}{:>9}{:>9}{:>10}{:>12}"
_HEAD = ("generation", "new", "written", "in all", "RB", "AB", "seconds", "MB read", "MB written")


def grow(folder: Path, number: int, shards: int, samples: int, women: float) -> int:
    """Add shards to the corpus; their bytes."""
    rng, total = np.random.default_rng(number), 0
    for shard in range(shards):
        members = {}
        for row in range(samples):
            woman = rng.random() < women
            words = ["woman" if woman else "man"]
            words += ["nurse"] * bool(rng.random() < (0.5 if woman else 0.2))
            words += ["laptop"] * bool(rng.random() < 0.3)
            key = f"{number:03d}{shard:03d}{row:06d}"
            members[f"{key}.txt"] = f"a picture with {' and '.join(words)}".encode()
            members[f"{key}.json"] = json.dumps({"words": words}).encode()
        path = folder / "in" / f"{number:03d}-{shard:03d}.tar"
        write_tar(path, members)
        total += path.stat().st_size
    return total


def bytes_moved() -> tuple[int, int]:
    """The bytes that this process, and those that have ended, have read and written."""
    said = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(said["rchar"]), int(said["wchar"])


def added(config: Config) -> tuple[float, int, int]:
    """Add what is new; the seconds that took, and the bytes read and written."""
    before, started = bytes_moved(), time.perf_counter()
    run_command(
        "rebalance", config, runner_for(config, ["--runner=FnApiRunner"]), quiet(), new_run()
    )
    seconds, after = time.perf_counter() - started, bytes_moved()
    return seconds, after[0] - before[0], after[1] - before[1]


def main() -> None:
    """Print a row a generation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generations", type=int, default=10)
    parser.add_argument("--shards", type=int, default=2, help="new ones in each generation")
    parser.add_argument("--samples", type=int, default=2000, help="in each shard")
    asked = parser.parse_args()
    balance: dict[str, Any] = {
        "eta": 0.5,
        "max_representation_bias": 0.01,
        "max_association_bias": 0.02,
    }
    print(machine())
    print(
        f"asked: RB <= 0.01, AB <= 0.02 of all that is written; {asked.shards} shards of "
        f"{asked.samples:,} samples a generation, 45 % women at first, 27 % at last"
    )
    print(_ROW.format(*_HEAD))
    costs = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = corpus(
            folder, balance=balance, output={"samples_per_shard": 500, "mode": "append"}
        )
        women = np.linspace(0.45, 0.27, asked.generations)
        for number in range(asked.generations):
            grow(folder, number, asked.shards, asked.samples, float(women[number]))
            cost = added(config)
            costs.append(cost)
            manifest = manifest_of(config)
            (*_, last) = manifest.generations or ()
            found = manifest.measures
            print(
                _ROW.format(
                    number,
                    f"{last.samples:,}",
                    f"{last.written:,}",
                    f"{manifest.totals.written:,}",
                    f"{found.max_RB:.4f}",
                    f"{found.max_AB:.4f}",
                    f"{cost[0]:.1f}",
                    f"{cost[1] / 1e6:.1f}",
                    f"{cost[2] / 1e6:.1f}",
                ),
                flush=True,
            )
    first, last_cost = costs[1], costs[-1]
    ratios = (f"{now / before:.2f}" for before, now in zip(first, last_cost, strict=True))
    print("the last over the first that was added: seconds {}, read {}, written {}".format(*ratios))


if __name__ == "__main__":
    main()
