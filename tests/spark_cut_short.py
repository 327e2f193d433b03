"""A Spark job whose Java process is killed while the driver reads its last results.

`python -m tests.spark_cut_short` says what became of it.
"""

import os
import signal
from dataclasses import dataclass
from typing import Any

from pyspark import SparkContext

from pipelines.spark.engine import SparkEngine, solve_plan
from tests.fixtures import config_of
from transforms.base.errors import FairshardError
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard
from transforms.stages.steps import Step

WENT_ON = "solving goes on with a part of the results"
_MORE_THAN_SOCKETS_HOLD = 20_000_000
_RECORD = LabelRecord(Shard("00000", "in/00000.tar", 1, ""), "", 1, 0, {}, 1, "", {})


@dataclass(frozen=True)
class Deadly:
    """What kills Java as soon as the process `driver` reads it."""

    driver: int

    def __reduce__(self) -> Any:
        return read, (self.driver, bytes(_MORE_THAN_SOCKETS_HOLD))

    def merge(self, other: "Deadly") -> "Deadly":
        """Deadly as before."""
        return self


def read(driver: int, _: bytes) -> Deadly:
    """The same again."""
    if os.getpid() == driver:
        assert SparkContext._gateway is not None
        os.kill(SparkContext._gateway.proc.pid, signal.SIGKILL)
    return Deadly(driver)


@dataclass(frozen=True)
class Gathering(Step):
    """A step whose results are deadly."""

    driver: int

    def gather(self, record: Any, config: Any) -> Any:
        """A result."""
        return Deadly(self.driver)

    def advance(self, gathered: Any, records: Any, config: Any) -> Step:
        """What must not be reached."""
        raise SystemExit(WENT_ON)


def main() -> None:
    """Run it."""
    from tests.spark_cut_short import Gathering as AsWorkersKnowIt

    with SparkEngine(["--master=local[2]"]).context() as context:
        solve_plan(context, config_of("."), [_RECORD] * 8, AsWorkersKnowIt(os.getpid()))


if __name__ == "__main__":
    try:
        main()
    except FairshardError as error:
        raise SystemExit(str(error)) from None
