"""A gate's result as a file of validations/."""

import json
from typing import Any

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
    expectations: tuple[dict[str, Any], ...]
    pages: tuple[str, ...]
    page_bytes: dict[str, int] | None = None
    belongs_to: Subject | None = None

    def to_json(self) -> bytes:
        """JSON for people."""
        return f"{json.dumps(self.to_dict(), indent=1, ensure_ascii=False)}\n".encode()


_FORM = TypeAdapter(ResultFile)


def result_file_from(content: bytes) -> ResultFile:
    """The result in the JSON `content`; ValueError where it is none."""
    return parsed(content, _FORM)
