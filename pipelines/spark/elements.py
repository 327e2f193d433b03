"""Elements of a job on Spark: spread over tasks, and gathered with none missing."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pyspark import RDD, SparkContext

from transforms.base.errors import TransientError

_Any = TypeVar("_Any")
_Total = TypeVar("_Total")


def collected(found: RDD[_Any], count: int) -> list[_Any]:
    """All `count` elements: pyspark takes the end of a dying Java process for that of the data."""
    elements = found.collect()
    _require_all(len(elements), count)
    return elements


def aggregated(
    elements: RDD[_Any],
    count: int,
    nothing: _Total,
    add: Callable[[_Total, _Any], _Total],
    merge: Callable[[_Total, _Total], _Total],
) -> _Total:
    """All `count` elements aggregated in a tree; that none is missing is counted along."""

    def add_one(total: tuple[int, _Total], element: _Any) -> tuple[int, _Total]:
        return total[0] + 1, add(total[1], element)

    def merge_two(one: tuple[int, _Total], other: tuple[int, _Total]) -> tuple[int, _Total]:
        return one[0] + other[0], merge(one[1], other[1])

    found, total = elements.treeAggregate((0, nothing), add_one, merge_two)
    _require_all(found, count)
    return total


def _require_all(found: int, count: int) -> None:
    if found != count:
        raise TransientError(
            f"Spark gave back {found:,} of {count:,} results and no error: run the same command "
            "again, which goes on from what is finished"
        )


def together(context: SparkContext, elements: Sequence[Any]) -> RDD[Any]:
    """A few tasks for each core, of elements that take less time than a task of their own."""
    tasks = min(len(elements), 4 * context.defaultParallelism)
    return context.parallelize(elements, max(1, tasks))


def each(context: SparkContext, elements: Sequence[Any]) -> RDD[Any]:
    """A task for each element."""
    return context.parallelize(elements, max(1, len(elements)))
