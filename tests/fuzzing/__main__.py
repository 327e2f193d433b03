"""Fuzz every target for a while: python -m tests.fuzzing [--seconds 60] [TARGET ...].

Prints a line a target; a case that raises, hangs or takes too much memory is kept in OUT/TARGET,
with what the target said. Exits with 1 where there is one.
"""

import argparse
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.fuzzing import TARGETS

_SECONDS_A_CASE = 10
_MOST_MIB = 2048
_MOST_BYTES = 65536
_NUMBER = re.compile(r"stat::(\w+):\s+(\d+)")
_COVERAGE = re.compile(r"\bcov: (\d+) ft: (\d+) corp: (\d+)")
_ROW = "{:<13} {:>10} {:>9} {:>7} {:>8} {:>6} {:>9} {:>8}"


@dataclass(frozen=True)
class Campaign:
    """What fuzzing one target for some seconds came to."""

    cases: int
    features: int
    corpus: int
    crashes: int
    hangs: int
    peak_mib: int
    seconds: float


def main() -> None:
    """Run the campaigns, one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"))
    parser.add_argument("targets", nargs="*", default=TARGETS)
    given = parser.parse_args()
    print(_ROW.format("target", "cases", "features", "corpus", "crashes", "hangs", "peak MiB", "s"))
    campaigns = []
    for name in given.targets:
        done = fuzz(name, given.seconds, given.seed, given.out / name)
        campaigns.append(done)
        print(_row(name, done), flush=True)
    total = Campaign(
        *(sum(getattr(one, field) for one in campaigns) for field in ("cases", "features")),
        *(sum(getattr(one, field) for one in campaigns) for field in ("corpus", "crashes")),
        sum(one.hangs for one in campaigns),
        max(one.peak_mib for one in campaigns),
        sum(one.seconds for one in campaigns),
    )
    print(_row("all", total))
    sys.exit(bool(total.crashes or total.hangs))


def fuzz(name: str, seconds: int, seed: int, folder: Path) -> Campaign:
    """Fuzz the target `name`; its corpus and bad cases go to `folder`."""
    corpus, bad = folder / "corpus", folder / "bad"
    corpus.mkdir(parents=True, exist_ok=True)
    bad.mkdir(exist_ok=True)
    started = time.monotonic()
    options = (
        f"-max_total_time={seconds}",
        f"-timeout={_SECONDS_A_CASE}",
        f"-rss_limit_mb={_MOST_MIB}",
        f"-max_len={_MOST_BYTES}",
        f"-seed={seed}",
        f"-artifact_prefix={bad}/",
        "-print_final_stats=1",
    )
    command = [sys.executable, "-m", "tests.fuzzing.worker", name, str(corpus), *options]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    log = said.stdout + said.stderr
    (folder / "log.txt").write_text(log)
    numbers = {key: int(value) for key, value in _NUMBER.findall(log)}
    *_, (_, features, units) = [("0", "0", "0"), *_COVERAGE.findall(log)]
    kept = [path.name for path in bad.iterdir()]
    hangs = sum(path.startswith("timeout-") for path in kept)
    crashes = max(len(kept) - hangs, int(said.returncode != 0 and not kept))
    return Campaign(
        numbers.get("number_of_executed_units", 0),
        int(features),
        int(units),
        crashes,
        hangs,
        numbers.get("peak_rss_mb", 0),
        time.monotonic() - started,
    )


def _row(name: str, done: Campaign) -> str:
    return _ROW.format(
        name,
        f"{done.cases:,}",
        f"{done.features:,}",
        f"{done.corpus:,}",
        done.crashes,
        done.hangs,
        f"{done.peak_mib:,}",
        f"{done.seconds:.0f}",
    )


if __name__ == "__main__":
    main()
