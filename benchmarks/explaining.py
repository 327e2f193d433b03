"""How long it takes to say why a request cannot be met, by how long solving it took, in one run.

    python -m benchmarks.explaining [--samples 20000] [--labels 10 30]

Corpora of so many samples, in nearly as many patterns, are asked for what they cannot give. Printed
are the seconds of the solution, those until a conflict was proven and until all of it was
explained, the last over the first, how many problems were solved for that, how many constraints
conflict, and how many samples are missing and are so at least.
"""

import argparse
import itertools
import time
from dataclasses import dataclass

from benchmarks.machine import machine
from tests.problems import random_corpus
from transforms.config.sections import Balance
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import NOTHING_KNOWN, Explanation
from transforms.m4.balance import balance

RATES = (0.6, 0.9)
SEEDS = (1, 2)
_TILT = 0.7
_LABELS_EACH = 0.4


@dataclass(frozen=True)
class Explained:
    """What was found, in so many seconds and solved problems; proven: the seconds to a conflict."""

    known: Explanation
    proven: float
    seconds: float
    solves: int


def explain(unmet: Unmet) -> Explained:
    """All that there is to find."""
    solves = 0

    def count() -> bool:
        nonlocal solves
        solves += 1
        return False

    known, proven, began = NOTHING_KNOWN, 0.0, time.perf_counter()
    for more in explained(unmet, enough=count):
        known, proven = more, proven or time.perf_counter() - began
    return Explained(known, proven, time.perf_counter() - began, solves)


def row(samples: int, labels: int, rate: float, seed: int) -> str:
    """The figures of one corpus."""
    corpus = random_corpus(seed, samples, 2, labels, labels_each=_LABELS_EACH * labels, tilt=_TILT)
    histogram, attributes = corpus.histogram, corpus.attributes
    asked = Balance(eta=rate, max_representation_bias=0.02, max_association_bias=0.02)
    began = time.perf_counter()
    found = balance(histogram, attributes, asked)
    solved = time.perf_counter() - began
    why = explain(Unmet.of(histogram, asked, found))
    conflict = why.known.conflict
    missing, names = conflict and conflict.missing, conflict.constraints if conflict else ()
    return (
        f"{len(histogram):9,}{labels:8}{rate:6.1f}{solved:9.2f}{why.proven:9.2f}{why.seconds:9.2f}"
        f"{why.seconds / solved:9.1f}{why.solves:8}{len(names):10}"
        f"{missing.samples if missing else 0:10,}{missing.least if missing else 0:10,}"
    )


def main() -> None:
    """Print a row a size, rate and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="*", default=[20_000])
    parser.add_argument("--labels", type=int, nargs="*", default=[30])
    asked = parser.parse_args()
    print(machine())
    print(
        " patterns  labels  rate    solve   proven  explain  / solve  solves  conflict   missing"
        "  at least"
    )
    row(1000, 10, RATES[0], SEEDS[0])
    for samples, labels, rate, seed in itertools.product(asked.samples, asked.labels, RATES, SEEDS):
        print(row(samples, labels, rate, seed), flush=True)


if __name__ == "__main__":
    main()
