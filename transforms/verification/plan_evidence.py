"""plan.json as a verification reads it."""

from typing import Literal

from pydantic import BaseModel

from transforms.verification.configured import ConfigEntry
from transforms.verification.figures import DrawEntry, Figures


class CentresEntry(BaseModel):
    centre: float
    label_centres: list[float]


class AttributeEntry(BaseModel):
    """An attribute; generation: the shares in what a generation adds by itself."""

    name: str
    group: str
    target: float | None
    share_of: Literal["all", "group"]
    centre: float
    label_centres: list[float]
    generation: CentresEntry | None = None


class ConstraintEntry(BaseModel):
    kind: Literal["representation", "association", "skew", "share"]
    attribute: str | None
    label: str | None
    sign: Literal[1, -1]
    generation: bool = False
    bound: float | None = None
    tolerance: float
    price: float
    slack: float
    attainable: bool
    proof: list[float] = []


class ProblemEntry(BaseModel):
    eta: float
    Q: float
    V: float
    other_V: dict[str, float] = {}


class RankEntry(BaseModel):
    kinds: list[str]
    excess: float
    least_excess: float


class CertificateEntry(BaseModel):
    primal: float
    dual: float
    gap: float
    violation: float
    rate: float
    utility_error_bound: float
    excess: float | None = None
    least_excess: float | None = None
    ranks: list[RankEntry] = []


class SamplesEntry(BaseModel):
    labelled: int
    filtered: int
    balanced: int
    rejected: int
    patterns: int


class CarrierEntry(BaseModel):
    samples: int
    attributes: list[int]
    labels: list[int]


class ConditionEntry(BaseModel):
    name: str
    taken: CarrierEntry
    lacking: int | None = None


class FilteredEntry(BaseModel):
    labelled: CarrierEntry
    conditions: list[ConditionEntry]
    together: CarrierEntry | None = None


class PassEntry(BaseModel):
    gap: float
    violation: float
    rate: float


class SampledEntry(BaseModel):
    samples: int
    share: float
    passes: list[PassEntry]
    polished: bool


class MeasuresEntry(BaseModel):
    before: Figures
    predicted: Figures


class CalibrationEntry(BaseModel):
    log_odds: dict[str, list[dict[str, float]]]


class WrittenMeasuresEntry(BaseModel):
    before: Figures
    union: Figures


class WrittenEntry(BaseModel):
    """What earlier generations wrote: copies, and a row an attribute of sums of s, of n and of o,
    and one of y, by label and of all.
    """

    samples: int
    moments: list[list[float]]
    measures: WrittenMeasuresEntry
    as_labelled: WrittenMeasuresEntry | None = None


class TransferredEntry(BaseModel):
    """Where a plan is from that was solved for another corpus."""

    output: str


class PlanEvidence(BaseModel):
    """What a verification reads of plan/plan.json."""

    fingerprint: dict[str, str]
    config: ConfigEntry
    problem: ProblemEntry
    attributes: list[AttributeEntry]
    labels: list[str]
    samples: SamplesEntry
    filtered: FilteredEntry | None = None
    sampled: SampledEntry | None = None
    written: WrittenEntry | None = None
    certificate: CertificateEntry
    measures: MeasuresEntry
    calibration: CalibrationEntry | None = None
    transferred: TransferredEntry | None = None
    draw: DrawEntry | None = None
    mu: float
    constraints: list[ConstraintEntry]
