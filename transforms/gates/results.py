"""What a gate found, and the files that hold it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from transforms.base.errors import GateError
from transforms.gates.expectations import STAGES, Severity, Stage
from transforms.gates.pages import index_page
from transforms.gates.result_file import ResultFile, result_file_from
from transforms.gates.subjects import Subject
from transforms.storage import paths
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


@dataclass(frozen=True)
class GateResult:
    """A gate's outcomes in the order of its suite, and a page of data docs for each table.

    unmet: what was asked of the corpus and is missed, by name.
    """

    stage: Stage
    outcomes: tuple[Outcome, ...]
    pages: Mapping[str, str]
    unmet: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no critical expectation failed, and what was asked of the corpus is met."""
        return not (self.failures or self.unmet)

    @property
    def failures(self) -> tuple[str, ...]:
        """The critical expectations that failed, in words."""
        return self._failed("critical")

    @property
    def warnings(self) -> tuple[str, ...]:
        """The other expectations that failed, in words."""
        return self._failed("warning")

    @property
    def file(self) -> ResultFile:
        """The result as it is put on file, but for what it belongs to."""
        pages = {
            paths.validation_page(self.stage, table): len(page.encode())
            for table, page in self.pages.items()
        }
        return ResultFile(
            stage=self.stage,
            passed=self.passed,
            evaluated=len(self.outcomes),
            failures=self.failures,
            warnings=self.warnings,
            unmet=self.unmet,
            expectations=tuple(asdict(outcome) for outcome in self.outcomes),
            pages=tuple(pages),
            page_bytes=pages,
        )

    def _failed(self, severity: Severity) -> tuple[str, ...]:
        return tuple(
            outcome.sentence
            for outcome in self.outcomes
            if not outcome.success and outcome.severity == severity
        )


def require(result: GateResult) -> None:
    """Raise GateError, with what failed in words, where a critical expectation did."""
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
    file = result.file
    if subject is not None:
        file = file.model_copy(update={"belongs_to": subject})
    storage.publish(paths.validation(result.stage), file.to_json())
    publish_index(storage)
    return storage.path(paths.DATA_DOCS)


def publish_index(storage: Storage) -> None:
    """Write the first page of the data docs, unless it is there."""
    storage.settle(paths.DATA_DOCS, index_page(read_results(storage)).encode())


def read_results(storage: Storage, of: Mapping[Stage, str] | None = None) -> list[ResultFile]:
    """The results in an output folder, in the order of the stages.

    Where `of` says what each gate would look at now, only those that belong to that.
    """
    found = (_read(stage, storage) for stage in STAGES)
    return [
        result
        for result in found
        if result is not None and (of is None or _belongs(result, of[result.stage]))
    ]


def standing(stage: Stage, subject: Subject, storage: Storage) -> bool:
    """Whether the gate's result on file lets a run go on, and belongs to `subject`, and all of its
    pages are there.
    """
    result = _read(stage, storage)
    if result is None or result.failures or result.belongs_to != subject:
        return False
    there = storage.listing(paths.VALIDATIONS)
    sizes = {
        name: there[last].bytes
        for name in result.pages
        if (last := name.rpartition("/")[2]) in there
    }
    return sizes == result.page_bytes


def _belongs(result: ResultFile, digest: str) -> bool:
    return result.belongs_to is None or result.belongs_to.of == digest


def _read(stage: Stage, storage: Storage) -> ResultFile | None:
    """A gate's result on file; None where there is none, or a torn one."""
    content = storage.find(paths.validation(stage))
    if content is None:
        return None
    try:
        return result_file_from(content)
    except ValueError:
        return None
