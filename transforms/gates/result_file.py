"""A gate's result as a file of validations/."""

import json
from typing import Any, Literal

from pydantic import TypeAdapter

from transforms.gates.expectations import Stage
from transforms.gates.subjects import Subject
from transforms.storage.documents import Document, parsed


class ResultFile(Document):
    """A gate's result as it is on file; what has a default is not in every file."""

    stage: Stage
    passed: bool
    evaluated: int
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    unmet: tuple[str, ...] = ()
    expectations: tuple[dict[str, Any], ...]
    pages: tuple[str, ...]
    page_bytes: dict[str, int] | None = None
    belongs_to: Subject | None = None

    @property
    def outcome(self) -> Literal["passed", "unmet", "failed"]:
        """The gate's word: unmet where a run goes on, though what was asked for is missed."""
        if self.failures:
            return "failed"
        return "unmet" if self.unmet else "passed"

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1, ensure_ascii=False)}\n".encode()


_FORM = TypeAdapter(ResultFile)


def result_file_from(content: bytes) -> ResultFile:
    """The result in the JSON `content`; ValueError where it is none."""
    return parsed(content, _FORM)
