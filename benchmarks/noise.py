"""Is the true bias of a balanced corpus what was asked for, when recognisers err?

`python -m benchmarks.noise` draws corpora whose recognisers err more with some labels, checks
2,000 samples of each, and prints the true bias after balancing by the labels as recognised, and by
the calibrated probabilities. The calibration's model holds where errors multiply from label to
label, and is wrong where they do not.
"""

import argparse

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine
from tests.noisy import Noisy, noisy_corpus
from transforms.calibration.uncertainty import measured_error
from transforms.config.sections import Balance
from transforms.m4.balance import balance
from transforms.statistics.measures import Measures

_ASKED = Balance(eta=0.5, max_representation_bias=0.01, max_association_bias=0.02)
_TITLES = ("share of", "errors", "before", "as labelled", "calibrated", "± 95 %", "intervals hold")


def row_of(world: Noisy, checked: int, seed: int) -> tuple[str, ...]:
    """The true bias before, as labelled and calibrated, with its intervals, and how many hold."""
    calibration = world.calibration(checked, seed)
    corrected = calibration.corrected(world.histogram)
    naive = balance(world.histogram, world.attributes, _ASKED).solution.q
    found = balance(corrected, world.attributes, _ASKED)
    q = found.solution.q
    true = world.truly(q)
    error = measured_error(corrected, calibration, world.attributes, q)
    off = [true.share - found.measures.share, (true.AB - found.measures.AB).ravel()]
    allowed = 1.96 * np.concatenate([error.RB, error.AB.ravel()])
    return (
        _shown(world.truly(np.ones(len(q)))),
        _shown(world.truly(naive)),
        _shown(true),
        f"RB {1.96 * error.RB.max():.3f}, AB {1.96 * error.AB.max():.3f}",
        f"{np.mean(np.abs(np.concatenate(off)) <= allowed):.0%}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--checked", type=int, default=2_000)
    options = parser.parse_args()
    table = Table(*_TITLES)
    for share_of in ("all", "group"):
        for multiply in (True, False):
            for seed in range(options.seeds):
                world = noisy_corpus(seed, share_of=share_of, multiply=multiply)
                errors = "multiply" if multiply else "do not"
                table.add_row(share_of, errors, *row_of(world, options.checked, seed))
    print(machine())
    print("true bias of 40,000 samples balanced at eta = 0.5; asked for: RB <= 0.01, AB <= 0.02")
    Console(width=140).print(table)


def _shown(measures: Measures) -> str:
    return f"RB {measures.max_RB:.3f}, AB {measures.max_AB:.3f}"


if __name__ == "__main__":
    main()
