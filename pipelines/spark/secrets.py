"""What workers need and no file may hold: it comes to them with each task, in memory alone.

Spark writes what is shuffled, broadcast and collected to disk, elements and closures among it. The
local properties of a job are sent with its tasks and kept nowhere; an event log redacts them.
"""

import base64
import pickle
import re
import traceback
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Self

from pyspark import SparkContext, TaskContext

from transforms.base.errors import FairshardError, TransientError
from transforms.base.redaction import redacted
from transforms.config.sections import Config, EngineConfig
from transforms.config.telemetry import Telemetry
from transforms.labels.records import LabelRecord
from transforms.shards.finding import Shard

_PROPERTY = "fairshard.secrets"
_PARTS = re.compile(r"((?:.*?://[^/?#]*@)?)([^?#]*)(.*)", re.DOTALL)

Ends = tuple[str, str]


@dataclass(frozen=True)
class Entrusted:
    """A configuration, and the beginnings and ends of URLs that may hold secrets.

    A hidden URL is its path alone, after the number of its `ends`.
    """

    config: Config
    ends: tuple[Ends, ...]

    @classmethod
    def of(cls, config: Config, urls: Iterable[str]) -> Self:
        """What workers need of `config`, and of `urls`."""
        needed = {"engine": EngineConfig(), "telemetry": Telemetry()}
        ends = dict.fromkeys(_ends_and_path(url)[0] for url in urls)
        return cls(config.model_copy(update=needed), tuple(ends))

    def hidden(self, shards: Sequence[Shard]) -> list[Shard]:
        """The shards without what their URLs begin and end with."""
        return [replace(shard, url=self.hidden_url(shard.url)) for shard in shards]

    def hidden_url(self, url: str) -> str:
        """A URL without what it begins and ends with."""
        ends, path = _ends_and_path(url)
        return f"{self._numbers[ends]} {path}"

    def shown_url(self, hidden: str) -> str:
        """A hidden URL as it was."""
        number, _, path = hidden.partition(" ")
        begin, end = self.ends[int(number)]
        return f"{begin}{path}{end}"

    def hidden_records(self, records: Sequence[LabelRecord]) -> list[LabelRecord]:
        """The records of hidden shards."""
        shards = self.hidden([record.shard for record in records])
        return [replace(record, shard=shard) for record, shard in zip(records, shards, strict=True)]

    def shown(self, shard: Shard) -> Shard:
        """A hidden shard as it was."""
        return replace(shard, url=self.shown_url(shard.url))

    def shown_record(self, record: LabelRecord) -> LabelRecord:
        """The record of a hidden shard as it was."""
        return replace(record, shard=self.shown(record.shard))

    @cached_property
    def _numbers(self) -> dict[Ends, int]:
        return {ends: number for number, ends in enumerate(self.ends)}


def entrust(
    context: SparkContext, config: Config, shards: Sequence[Shard], urls: Sequence[str] = ()
) -> Entrusted:
    """Let the workers of the jobs that follow know the secrets of `config`, `shards` and `urls`."""
    given = Entrusted.of(config, [*(shard.url for shard in shards), *urls])
    # an event log redacts those local properties that the settings of the context name
    context._conf.set(_PROPERTY, "")
    packed = base64.b64encode(zlib.compress(pickle.dumps(given))).decode()
    context.setLocalProperty(_PROPERTY, packed)
    return given


@contextmanager
def entrusted() -> Iterator[Entrusted]:
    """In a task: what was entrusted to it. What the block raises holds no secret."""
    try:
        yield _unpacked(_property())
    except FairshardError as error:
        raise error from None
    except Exception:
        raise RuntimeError(redacted(traceback.format_exc())) from None


def _property() -> str:
    task = TaskContext.get()
    packed = task.getLocalProperty(_PROPERTY) if task is not None else None
    if packed is None:
        raise TransientError(
            f"a task of Spark came without its configuration (the local property {_PROPERTY}): "
            "run the same command again"
        )
    return packed


@lru_cache(maxsize=1)
def _unpacked(packed: str) -> Entrusted:
    given = pickle.loads(zlib.decompress(base64.b64decode(packed)))
    assert isinstance(given, Entrusted)
    return given


def _ends_and_path(url: str) -> tuple[Ends, str]:
    found = _PARTS.fullmatch(url) if "://" in url else None
    return ((found[1], found[3]), found[2]) if found else (("", ""), url)
