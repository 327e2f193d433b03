"""What a gate found, and the files that hold it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NotRequired

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from transforms.base.errors import GateError
from transforms.gates.expectations import STAGES, Severity, Stage
from transforms.gates.pages import index_page
from transforms.gates.subjects import Subject
from transforms.storage import paths
from transforms.storage.documents import json_in
from transforms.storage.files import Storage


@dataclass(frozen=True)
class Outcome:
    """One expectation evaluated; `sentence` says what was expected and, if not met, was found."""

    table: str
    type: str
    kwargs: Mapping[str, Any]
    severity: Severity
    success: bool
    observed: Any
    sentence: str


class _Result(TypedDict):
    """What is read of a gate's result."""

    stage: str
    passed: bool
    evaluated: int
    failures: list[str]
    warnings: list[str]
    expectations: list[dict[str, Any]]
    pages: list[str]
    page_bytes: NotRequired[dict[str, int]]
    belongs_to: NotRequired[dict[str, str]]


_RESULT = TypeAdapter(_Result)


@dataclass(frozen=True)
class GateResult:
    """A gate's outcomes in the order of its suite, and a page of data docs for each table."""

    stage: Stage
    outcomes: tuple[Outcome, ...]
    pages: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """Whether no critical expectation failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[str, ...]:
        """The critical expectations that failed, in words."""
        return self._failed("critical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The other expectations that failed, in words."""
        return self._failed("warning")

    def document(self) -> dict[str, Any]:
        """The result as JSON holds it."""
        pages = {
            paths.validation_page(self.stage, table): len(page.encode())
            for table, page in self.pages.items()
        }
        return {
            "stage": self.stage,
            "passed": self.passed,
            "evaluated": len(self.outcomes),
            "failures": list(self.failures),
            "warnings": list(self.warnings),
            "expectations": [asdict(outcome) for outcome in self.outcomes],
            "pages": list(pages),
            "page_bytes": pages,
        }

    def _failed(self, severity: Severity) -> tuple[str, ...]:
        return tuple(
            outcome.sentence
            for outcome in self.outcomes
            if not outcome.success and outcome.severity == severity
        )


def require(result: GateResult) -> None:
    """Raise GateError, with what failed in words, unless the gate is passed."""
    require_none(result.stage, result.failures)


def require_none(stage: Stage, failures: Sequence[str]) -> None:
    """Raise GateError unless there are no failures of critical expectations."""
    if failures:
        more = f" (and {len(failures) - 1:,} more)" if len(failures) > 1 else ""
        raise GateError(f"the gate of the {stage} failed: {failures[0]}{more}")


def publish(result: GateResult, storage: Storage, subject: Subject | None = None) -> str:
    """Write the result and its data docs under validations/; the full path of their index.

    Without a subject it stands for nothing: the gate is passed again.
    """
    for table, page in result.pages.items():
        storage.publish(paths.validation_page(result.stage, table), page.encode())
    document = result.document()
    if subject is not None:
        document["belongs_to"] = asdict(subject)
    content = json.dumps(document, indent=1, ensure_ascii=False)
    storage.publish(paths.validation(result.stage), f"{content}\n".encode())
    publish_index(storage)
    return storage.path(paths.DATA_DOCS)


def publish_index(storage: Storage) -> None:
    """Write the first page of the data docs, unless it is there."""
    storage.settle(paths.DATA_DOCS, index_page(read_results(storage)).encode())


def read_results(storage: Storage, of: Mapping[Stage, str] | None = None) -> list[dict[str, Any]]:
    """The results in an output folder, in the order of the stages.

    Where `of` says what each gate would look at now, only those that belong to that.
    """
    found = (_read(stage, storage) for stage in STAGES)
    return [
        result
        for result in found
        if result is not None and (of is None or _belongs(result, of[result["stage"]]))
    ]


def standing(stage: Stage, subject: Subject, storage: Storage) -> bool:
    """Whether the gate's result on file is passed, belongs to `subject`, and has all its pages."""
    result = _read(stage, storage)
    if result is None or not result["passed"] or result.get("belongs_to") != asdict(subject):
        return False
    there = storage.listing(paths.VALIDATIONS)
    sizes = {
        name: there[last].bytes
        for name in result["pages"]
        if (last := name.rpartition("/")[2]) in there
    }
    return bool(sizes == result["page_bytes"])


def _belongs(result: Mapping[str, Any], digest: str) -> bool:
    return bool(result.get("belongs_to", {"of": digest})["of"] == digest)


def _read(stage: Stage, storage: Storage) -> dict[str, Any] | None:
    """A gate's result on file; None where there is none, or a torn one."""
    content = storage.find(paths.validation(stage))
    if content is None:
        return None
    try:
        result = json_in(content)
        _RESULT.validate_python(result, strict=True)
    except ValueError:
        return None
    return result
