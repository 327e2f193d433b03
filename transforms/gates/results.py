"""What a gate found, and the files that hold it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transforms import layout
from transforms.errors import GateError
from transforms.gates.expectations import STAGES, Severity, Stage
from transforms.gates.pages import index_page
from transforms.storage import Storage


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
        return {
            "stage": self.stage,
            "passed": self.passed,
            "evaluated": len(self.outcomes),
            "failures": list(self.failures),
            "warnings": list(self.warnings),
            "expectations": [asdict(outcome) for outcome in self.outcomes],
            "pages": [layout.validation_page(self.stage, table) for table in self.pages],
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


def publish(result: GateResult, storage: Storage) -> str:
    """Write the result and its data docs under validations/; the full path of their index."""
    for table, page in result.pages.items():
        storage.publish(layout.validation_page(result.stage, table), page.encode())
    content = json.dumps(result.document(), indent=1, ensure_ascii=False)
    storage.publish(layout.validation(result.stage), f"{content}\n".encode())
    storage.publish(layout.DATA_DOCS, index_page(read_results(storage)).encode())
    return storage.path(layout.DATA_DOCS)


def read_results(storage: Storage) -> list[dict[str, Any]]:
    """The results in an output folder, in the order of the stages."""
    present = set(storage.names("validations"))
    return [
        json.loads(storage.read(layout.validation(stage)))
        for stage in STAGES
        if f"{stage}.json" in present
    ]
