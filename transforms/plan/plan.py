"""The plan: the solved problem, as files that people and workers read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import TypeAdapter

from transforms.base.errors import FairshardError
from transforms.calibration.log_odds import CorrectedHistogram, LogOdds, soft_attributes
from transforms.config.schema import Attribute
from transforms.labels.tables import digest, parquet_bytes
from transforms.m4.terms import VACUOUS, Terms, Tolerances
from transforms.m4.weights import Duals, weights_of
from transforms.plan.outline import check_outline
from transforms.statistics.histogram import Histogram
from transforms.statistics.pattern_tables import histogram_of, read_patterns
from transforms.storage import paths
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.storage.inventory import Vouched
from transforms.storage.wellformed import finite, well_formed

VERSION = 2
_ATTRIBUTES = TypeAdapter(tuple[Attribute, ...])
_LABELS = TypeAdapter(tuple[str, ...])


@dataclass(frozen=True)
class Plan:
    """What workers need of a plan (its terms and dual variables), and all of it for people.

    odds are those of the true attributes, where recognised ones are not taken for true.
    """

    fingerprint: Mapping[str, str]
    terms: Terms
    duals: Duals
    odds: LogOdds | None
    document: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """A digest of what the plan was made from, its terms and its dual variables."""
        parts = ("problem", "attributes", "labels", "mu", "constraints")
        solved = {part: self.document[part] for part in parts}
        return digest(json.dumps([sorted(self.fingerprint.items()), solved]).encode())

    @property
    def rate_in_words(self) -> str:
        """The rate and, where it was found for the user, how far from the best it can be."""
        found = self.document.get("largest_rate")
        return f"eta = {self.terms.eta:g}" + (
            f" (auto: the largest at which all is attainable, at most {found['upper']:.4g})"
            if found
            else ""
        )

    @property
    def solved_on(self) -> int:
        """The number of samples that it was solved on: those of patterns.parquet."""
        sampled = self.document.get("sampled")
        return int(sampled["samples"] if sampled else self.document["samples"]["balanced"])

    @property
    def sampled_in_words(self) -> str:
        """How a corpus of too many patterns was solved; nothing where it was solved on all."""
        sampled = self.document.get("sampled")
        if not sampled:
            return ""
        passes = len(sampled["passes"])
        how = "" if sampled["polished"] else " (not enough: raise balance.max_patterns)"
        return (
            f"solved on {sampled['samples']:,} of {self.document['samples']['balanced']:,} samples "
            f"(1 in {round(1 / sampled['share']):,}); polished{how} and measured exactly by "
            f"{passes} pass{'es' * (passes > 1)} over all of them"
        )

    def corrected(self, histogram: Histogram) -> Histogram:
        """`histogram` with the attributes that weights depend on: the true ones, if known of."""
        return histogram if self.odds is None else CorrectedHistogram.of(histogram, self.odds)

    def weights(
        self, flags: NDArray[np.bool_], utility: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The weights q, float64 (n,), of samples with flags (s, y), (n, m + c), and u (n,)."""
        m = len(self.terms.attributes)
        s, y = flags[:, :m], sp.csr_array(flags[:, m:], dtype=float)
        carried = s if self.odds is None else soft_attributes(s, y, self.odds)
        return weights_of(carried, y, utility, self.terms, self.duals)


def write_plan(plan: Plan, patterns: pa.Table, storage: Storage) -> None:
    """Write the patterns, then the plan that vouches for them.

    Another plan on file goes first: it does not vouch for these patterns.
    """
    written = plan_json(plan.document)
    if storage.find(paths.PLAN) not in (None, written):
        storage.delete(paths.PLAN)
    storage.publish(paths.PATTERNS, parquet_bytes(patterns))
    storage.publish(paths.PLAN, written)


def vouched_for(patterns: pa.Table) -> dict[str, Any]:
    """What a plan says of the file of its patterns."""
    content = parquet_bytes(patterns)
    return {"bytes": len(content), "digest": digest(content)}


def patterns_fault(plan: Plan, storage: Storage) -> str:
    """What is wrong with the patterns of the plan on file; "" where nothing is.

    Of a plan that does not say their size, they are read.
    """
    vouched = plan.document.get("patterns")
    if vouched is not None:
        file = Vouched(paths.PATTERNS, int(vouched["bytes"]), "", str(vouched["digest"]))
        return file.fault(storage.listed(paths.PATTERNS), storage)
    try:
        read_histogram(storage, plan.document)
    except (FairshardError, ValueError, KeyError, OSError):
        return "lost or damaged"
    return ""


def read_plan(storage: Storage) -> Plan:
    """The plan of an output folder; FairshardError where there is none that can be read."""
    content, where = storage.read(paths.PLAN), storage.path(paths.PLAN)
    with well_formed(f"{where} is not a plan: run `fairshard solve` again"):
        return plan_from(content, where)


def plan_from(content: bytes, where: str) -> Plan:
    """The plan in the JSON `content`; raises FairshardError where it is of another version."""
    document = json_in(content)
    version = document["version"]
    if version != VERSION:
        raise FairshardError(
            f"{where} is of version {version}, this fairshard reads version {VERSION}: run "
            "`fairshard solve` again"
        )
    check_outline(document)
    return Plan(
        document["fingerprint"], _terms(document), _duals(document), _odds(document), document
    )


def read_histogram(
    storage: Storage, document: Mapping[str, Any]
) -> tuple[Histogram, NDArray[np.float64]]:
    """The histogram that a plan was solved on, and each pattern's weight q, float64 (P,).

    That is a sample of the corpus, where the plan was `sampled`.
    """
    names = tuple(attribute["name"] for attribute in document["attributes"])
    labels = tuple(document["labels"])
    sampled = document.get("sampled")
    samples = (sampled or {"samples": document["samples"]["balanced"]})["samples"]
    table = read_patterns(storage, paths.PATTERNS, len(names) + len(labels), samples, "q")
    return histogram_of(table, names, labels), table.column("q").to_numpy()


def expected_drops(storage: Storage, plan: Plan) -> float:
    """How many samples the weights are expected to drop: the sum of max(0, 1 - q)."""
    histogram, q = read_histogram(storage, plan.document)
    return float(histogram.counts @ np.maximum(1.0 - q, 0.0))


def plan_json(document: Mapping[str, Any]) -> bytes:
    """A plan's document as JSON for people: indented, a line for each constraint."""
    rows = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in document["constraints"])
    head = json.dumps({**document, "constraints": []}, indent=1, ensure_ascii=False)
    body, end = head.rsplit("[]", 1)
    return f"{body}[\n  {rows}\n ]{end}\n".encode()


def _terms(document: Mapping[str, Any]) -> Terms:
    entries = [dict(entry) for entry in document["attributes"]]
    m, c = len(entries), len(document["labels"])
    centres = finite([entry.pop("centre") for entry in entries], (m,))
    label_centres = finite([entry.pop("label_centres") for entry in entries], (m, c))
    finite([entry["target"] for entry in entries], (m,))
    allowed = {kind: values[0] for kind, values in _by_kind(document, "tolerance", VACUOUS).items()}
    return Terms(
        _ATTRIBUTES.validate_python(entries),
        _LABELS.validate_python(document["labels"]),
        Tolerances(**allowed),
        centres,
        label_centres,
        **{name: float(finite(value, ())) for name, value in document["problem"].items()},
    )


def _duals(document: Mapping[str, Any]) -> Duals:
    return Duals(float(finite(document["mu"], ())), **_by_kind(document, "price", 0.0))


def _odds(document: Mapping[str, Any]) -> LogOdds | None:
    calibrated = document.get("calibration")
    if calibrated is None:
        return None
    names = tuple(entry["name"] for entry in document["attributes"])
    return LogOdds.from_dict(calibrated["log_odds"], names, tuple(document["labels"]))


def _by_kind(
    document: Mapping[str, Any], part: str, absent: float
) -> dict[str, NDArray[np.float64]]:
    """A number of each constraint, (2, m) or (2, m, c) by kind; index 0 is sign +1."""
    attribute_at = {entry["name"]: k for k, entry in enumerate(document["attributes"])}
    label_at = {name: r for r, name in enumerate(document["labels"])}
    m, c = len(attribute_at), len(label_at)
    values = {
        "representation": np.full((2, m), absent),
        "association": np.full((2, m, c), absent),
        "skew": np.full((2, m, c), absent),
    }
    for row in document["constraints"]:
        label = () if row["label"] is None else (label_at[row["label"]],)
        at = (0 if row["sign"] > 0 else 1, attribute_at[row["attribute"]], *label)
        values[row["kind"]][at] = finite(row[part], ())
    return values
