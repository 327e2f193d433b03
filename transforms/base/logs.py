"""What a run says of itself: an event a line, for schedulers as JSON, for people in words."""

import io
import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any

from transforms.base.redaction import redacted, redacted_values
from transforms.base.visible import visible

LOGGER = logging.getLogger("fairshard")


def event(message: str, level: int = logging.INFO, **fields: Any) -> None:
    """Log an event; `stage` and `shard` among its fields say where in the run it is."""
    LOGGER.log(level, message, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, run, stage, shard, message, then the other fields.

    time is in UTC, to the millisecond; run is that of the process; stage and shard are null where
    an event is of none. Records of other libraries carry their `logger`, errors that nobody
    expected their `traceback`. Secrets are taken out.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "run": self._run,
            "stage": None,
            "shard": None,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.name != LOGGER.name:
            values["logger"] = record.name
        if record.exc_info:
            values["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(redacted_values(values), ensure_ascii=False, default=str)


class WordsFormatter(logging.Formatter):
    """A record as people read it: fairshard's own as a sentence, others with where they are from.

    Secrets are taken out, and what would command a terminal is spelt out.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, and what traceback it has."""
        origin = "" if record.name == LOGGER.name else f"{record.levelname}:{record.name}:"
        found = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        said = f"{origin or 'fairshard: '}{record.getMessage()}"
        return visible(redacted(f"{found}{said}"))


class EventStream(io.TextIOBase):
    """A text stream whose every line is an event: progress, for those who read logs."""

    def __init__(self) -> None:
        self._begun = ""

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that `text` ends."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            if line.strip():
                event(line.strip())
        return len(text)


def log_to(stream: IO[str], formatter: logging.Formatter) -> None:
    """Send what this process logs to `stream`: all events as JSON, or what people must know.

    Of other libraries only errors are let through, and of gcsfs none: it raises what it logs.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.ERROR, handlers=[handler], force=True)
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)
    LOGGER.setLevel(logging.INFO if isinstance(formatter, JsonFormatter) else logging.WARNING)


@contextmanager
def logging_to(stream: IO[str]) -> Iterator[None]:
    """In the block, send what people must know to `stream`, if this process sends it nowhere.

    Libraries that log would have Python set up the root logger for good; here nothing stays.
    """
    root = logging.getLogger()
    if root.handlers:
        yield
        return
    handler, levels = logging.StreamHandler(stream), (root.level, LOGGER.level)
    handler.setFormatter(WordsFormatter())
    root.addHandler(handler)
    root.setLevel(logging.ERROR)
    LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(levels[0])
        LOGGER.setLevel(levels[1])
