"""What runs give: the figures of each command's summary, typed; as text, its lines."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from fairshard.balanced import Certificate
from jobs.begin import preview
from jobs.look import export, verify, why
from jobs.run import drift, label, solve, transfer
from jobs.session import summary
from transforms.base.visible import visible_values

_WIDTH = 240
Details = Mapping[str, Any]


def _shown(details: Details, show: Callable[[dict[str, Any], Console], None]) -> str:
    text = io.StringIO()
    console = Console(file=text, width=_WIDTH, markup=False, force_jupyter=False)
    show(visible_values(dict(details)), console)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _certificate(details: Details) -> Certificate:
    figures = {
        name: details["certificate"][name]
        for name in ("primal", "dual", "gap", "violation", "rate", "least_excess")
    }
    return Certificate(**figures, missed=tuple(details["missed"]))


@dataclass(frozen=True)
class PreviewSummary:
    """What a configuration would recognise in some samples.

    samples: how many were labelled; rejected: how many could not be. hits: samples of each name,
    GROUP.NAME. advice: what to mend, sentences. details: all that the command prints with --json.
    """

    samples: int
    rejected: int
    hits: Mapping[str, int]
    advice: tuple[str, ...]
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> PreviewSummary:
        """The summary in the `details` that its command prints."""
        return cls(
            details["samples"],
            sum(kind["samples"] for kind in details["rejected"]),
            {name["name"]: name["hits"] for name in details["names"]},
            tuple(details["advice"]),
            details,
        )

    def __str__(self) -> str:
        return _shown(self.details, preview.show)


@dataclass(frozen=True)
class LabelSummary:
    """What an output holds once its shards are labelled.

    shards: how many are labelled, labelled_now of them by this run. samples: how many have labels;
    rejected: how many could not be labelled. output: the folder. details: all that the command
    prints with --json.
    """

    shards: int
    labelled_now: int
    samples: int
    rejected: int
    output: str
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> LabelSummary:
        """The summary in the `details` that its command prints."""
        names = ("shards", "labelled_now", "samples", "rejected", "output")
        return cls(**{name: details[name] for name in names}, details=details)

    def __str__(self) -> str:
        return _shown(self.details, label.show)


@dataclass(frozen=True)
class PlanSummary:
    """The plan of a corpus.

    met: whether the plan meets what was asked for. samples: how many are balanced, of so many
    patterns. before and predicted: "RB", "AB" and "skew" of the corpus, as it is and as planned, of
    what is most above its bound or nearest to it (None: no data). dropped_share: the expected share
    of samples dropped. plan: its file. details: all that the command prints with --json.
    """

    met: bool
    samples: int
    patterns: int
    before: Mapping[str, float | None]
    predicted: Mapping[str, float | None]
    dropped_share: float
    certificate: Certificate
    plan: str
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> PlanSummary:
        """The summary in the `details` that its command prints."""
        return cls(
            details["met"],
            details["samples"]["balanced"],
            details["samples"]["patterns"],
            details["bias"]["before"],
            details["bias"]["predicted"],
            details["dropped_share"],
            _certificate(details),
            details["plan"],
            details,
        )

    def __str__(self) -> str:
        return _shown(self.details, solve.show)


@dataclass(frozen=True)
class BiasChange:
    """A measure: before, as predicted by the plan, and after, on the output.

    Each is the value that is most above its own bound, or nearest to it; the largest where none has
    one. worst names the attribute, or the pair of attribute and label, that after is of;
    standard_error is that of after, None where nothing was left to chance; asked is the bound on
    it, None where there is none. status is met, missed, not asked or no data and, of outputs of
    earlier versions, within sampling error (4 standard errors). What is undefined is None.
    """

    before: float | None
    predicted: float | None
    after: float | None
    standard_error: float | None
    asked: float | None
    worst: str
    status: str


@dataclass(frozen=True)
class OutputSummary:
    """A finished output.

    verdict: whether what was asked for is met, in a sentence; met: the same (of outputs of earlier
    versions, to within sampling error of 4 standard errors). read = kept + dropped + rejected
    samples of the input; written: samples, repeats among them, in so many shards of so many bytes.
    bias: by "RB", "AB" and "skew".
    output and report: the folder, and its page. training_command: open_clip's, for a shell; None
    where it reads no such output. details: all that the command prints with --json.
    """

    verdict: str
    met: bool
    read: int
    kept: int
    dropped: int
    rejected: int
    written: int
    shards: int
    bytes: int
    bias: Mapping[str, BiasChange]
    certificate: Certificate
    output: str
    report: str
    training_command: str | None
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> OutputSummary:
        """The summary in the `details` that its command prints."""
        samples = details["samples"]
        figures = ("before", "predicted", "after", "standard_error", "asked", "worst", "status")
        return cls(
            details["verdict"],
            details["met"],
            samples["in"],
            samples["kept"],
            samples["dropped"],
            samples["rejected"],
            samples["written"],
            details["shards"],
            samples["bytes"],
            {
                name: BiasChange(*(row[figure] for figure in figures))
                for name, row in details["bias"].items()
            },
            _certificate(details),
            details["output"],
            details["report"],
            details["training_command"],
            details,
        )

    def __str__(self) -> str:
        return _shown(self.details, summary.show)


@dataclass(frozen=True)
class CheckSummary:
    """One check of a verification: how many things were checked, and how many of them differ.

    result is agrees, differs or not checked; remark is the first difference, or what was left out.
    """

    name: str
    question: str
    checked: int
    unit: str
    result: str
    differences: int
    remark: str


@dataclass(frozen=True)
class Verification:
    """An output derived again: whether all that was checked agrees, and each check.

    details: all that the command prints with --json.
    """

    agrees: bool
    checks: tuple[CheckSummary, ...]
    output: str
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> Verification:
        """The verification in the `details` that its command prints."""
        checks = tuple(CheckSummary(**check) for check in details["checks"])
        return cls(details["agrees"], checks, details["output"], details)

    def __str__(self) -> str:
        return _shown(self.details, verify.show)


@dataclass(frozen=True)
class ExportSummary:
    """What was exported: how many of what, in how many files of so many bytes, and where these are.

    written: how many of the files this call wrote; the others were there. details: all that the
    command prints with --json.
    """

    counts: Mapping[str, int]
    files: int
    written: int
    bytes: int
    to: str
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> ExportSummary:
        """The summary in the `details` that its command prints."""
        names = ("counts", "files", "written", "bytes", "to")
        return cls(**{name: details[name] for name in names}, details=details)

    def __str__(self) -> str:
        return _shown(self.details, export.show)


@dataclass(frozen=True)
class WhySummary:
    """Why a plan misses something.

    missed: the constraints that it does not meet. conflict: those that are proven to be
    unattainable together. rate: the largest that would do, where one was found. complete: whether
    nothing is left to be found. details: all that the command prints with --json.
    """

    missed: tuple[str, ...]
    complete: bool
    conflict: tuple[str, ...]
    rate: float | None
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> WhySummary:
        """The explanation in the `details` that its command prints."""
        conflict = details["conflict"] or {"constraints": (), "rate": None}
        names = tuple(conflict["constraints"])
        return cls(tuple(details["missed"]), details["complete"], names, conflict["rate"], details)

    def __str__(self) -> str:
        return _shown(self.details, why.show)


@dataclass(frozen=True)
class DriftSummary:
    """How far a corpus that grew is from its plan.

    advice: append, rebuild or nothing; why: sentences. details: all that the command prints with
    --json: of new samples `bias`, `together`, `new_patterns` and `rate` by the plan.
    """

    advice: str
    why: tuple[str, ...]
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> DriftSummary:
        """The summary in the `details` that its command prints."""
        return cls(details["advice"], tuple(details["why"]), details)

    def __str__(self) -> str:
        return _shown(self.details, drift.show)


@dataclass(frozen=True)
class TransferSummary:
    """A plan on a corpus that it was not solved for.

    met: whether it meets its own bounds there. rate: at which it keeps samples. new_patterns: the
    share of samples whose pattern it has not seen; None where that is not known. plan: the file
    that it was written to; None of a check. details: all that the command prints with --json.
    """

    met: bool
    rate: float
    new_patterns: float | None
    plan: str | None
    details: Details = field(repr=False)

    @classmethod
    def of(cls, details: Details) -> TransferSummary:
        """The summary in the `details` that its command prints."""
        met, rate, new = (details[name] for name in ("met", "rate", "new_patterns"))
        return cls(met, rate, new, details["written"], details)

    def __str__(self) -> str:
        return _shown(self.details, transfer.show)
