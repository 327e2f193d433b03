"""What the configuration asks of a corpus, and whether the plan meets it where it says so."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from transforms.verification.bias import BiasTally
from transforms.verification.checks import Check
from transforms.verification.derivation import shares_asked, typed
from transforms.verification.evidence import BalanceEntry, PlanEvidence
from transforms.verification.solution import SolvedProblem
from transforms.verification.stated import Stated, Vector

NOTHING_ASKED = 1.0
_MET = 2e-6
_BOUNDS = {
    "representation": "max_representation_bias",
    "association": "max_association_bias",
    "skew": "max_label_skew",
}
_MEASURES = {"representation": "RB", "association": "AB", "skew": "skew"}


def asked_by(balance: BalanceEntry, stated: Stated) -> dict[str, Vector]:
    """The bound on each measure, (m,) or (m, c), by kind of constraint; 1 asks for nothing."""
    m, c = len(stated.attributes), len(stated.labels)
    bounds = {
        kind: np.full((m,) if kind == "representation" else (m, c), _bound(balance, kind))
        for kind in _BOUNDS
    }
    for override in balance.overrides:
        rows = _named(override.attributes, stated.attributes)
        columns = _named(override.labels, stated.labels)
        for kind, key in _BOUNDS.items():
            if getattr(override, key) is not None:
                where = rows if kind == "representation" else np.ix_(rows, columns)
                bounds[kind][where] = getattr(override, key)
    return bounds


def check_asked(
    plan: PlanEvidence,
    stated: Stated,
    mine: SolvedProblem,
    before: BiasTally,
    predicted: BiasTally,
    check: Check,
) -> None:
    """Compare the plan's problem with its configuration, and its measures with what was asked.

    A measure is held to its bound unless the plan says that one of its constraints is missed.
    Allowed is what the solver calls met: a constraint's E[q a] up to 2e-6 of its spread.
    """
    balance = plan.config.balance
    for name in ("eta", "Q", "V"):
        wanted, used = getattr(balance, name), getattr(stated, name)
        if not isinstance(wanted, str):
            check.expect(wanted == used, f"{name} is {used:g} in the plan, {wanted:g} was asked")
    _check_attributes(plan, stated, check)
    bounds = asked_by(balance, stated)
    measures = predicted.measures()
    masses = _masses(predicted)
    excused: set[tuple[str, tuple[int, ...]]] = set()
    spread: dict[tuple[str, tuple[int, ...]], float] = {}
    for constraint, size in zip(stated.constraints, mine.spread.tolist(), strict=True):
        kind, entry = constraint.entry.kind, constraint.entry
        place = (constraint.k,) if kind == "representation" else (constraint.k, constraint.r)
        check.expect(
            entry.tolerance == bounds[kind][place],
            f"{constraint.name}: its bound is {entry.tolerance:g} in the plan, "
            f"{bounds[kind][place]:g} was asked",
        )
        spread[kind, place] = size
        if not entry.attainable:
            excused.add((kind, place))
    for measured, bound in bounds.items():
        values = np.abs(measures[_MEASURES[measured]][0])
        for at in np.argwhere((bound < NOTHING_ASKED) & ~np.isnan(values)):
            place = tuple(at.tolist())
            if (measured, place) in excused:
                continue
            size = spread.get((measured, place), 0.0) * mine.samples / masses[measured][place]
            allowed = _MET * (1 + size)
            check.expect(
                values[place] <= bound[place] + allowed,
                f"{_MEASURES[measured]} of {' and '.join(_names(place, stated))} is "
                f"{values[place]:.6f} under the plan, {bound[place]:g} was asked, and the plan "
                "does not say that it cannot be met",
            )
    lost = (before.n > 0) & (predicted.n == 0)
    for k in np.flatnonzero((bounds["representation"] < NOTHING_ASKED) & lost):
        if ("representation", (int(k),)) in excused:
            continue
        check.differ(
            f"under the plan nobody is left whose share of {stated.attributes[k]} could be "
            f"{stated.targets[k]:g}: it drops every sample that this is a share of"
        )
    check.found = f"{len(excused):,} bounds cannot be met, as the plan says" if excused else ""


def _check_attributes(plan: PlanEvidence, stated: Stated, check: Check) -> None:
    wanted = shares_asked(plan.config, stated.columns)
    for entry in plan.attributes:
        target, share_of = wanted.get(entry.name.partition("@")[0], (np.nan, "nothing"))
        check.expect(
            (target, share_of) == (entry.target, entry.share_of),
            f"the target of {entry.name} is {entry.target:g} of {entry.share_of} in the plan, "
            f"{target:g} of {share_of} was asked",
        )


def _masses(tally: BiasTally) -> dict[str, Vector]:
    """What each measure divides its constraint's E[q a] by, times the number of samples."""
    spread = tally.s * tally.others / np.maximum(tally.s + tally.others, 1e-300)
    return {
        "representation": tally.n,
        "skew": tally.n_y,
        "association": np.broadcast_to(spread[:, None], tally.s_y.shape),
    }


def _bound(balance: BalanceEntry, kind: str) -> float:
    value = getattr(balance, _BOUNDS[kind])
    return NOTHING_ASKED if value is None else float(value)


def _named(wanted: Sequence[str], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which names are wanted: by name, as typed, without its source, or by group; all if nothing
    is.
    """
    return np.array(
        [
            not wanted
            or any(
                entry in (name, typed(name), name.split("@")[0], name.split(".")[0])
                for entry in wanted
            )
            for name in names
        ],
        dtype=np.bool_,
    )


def _names(place: tuple[int, ...], stated: Stated) -> list[str]:
    return [stated.attributes[place[0]], *(stated.labels[r] for r in place[1:])]
