"""What the configuration asks of a corpus, and whether the plan meets it where it says so."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from transforms.verification.bias import BiasTally
from transforms.verification.checks import Check
from transforms.verification.configured import BalanceEntry, NameEntry
from transforms.verification.derivation import shares_asked, typed
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.solution import SolvedProblem
from transforms.verification.stated import Stated, Vector

NOTHING_ASKED = 1.0
_MET = 2e-6
_BOUNDS = {
    "representation": "max_representation_bias",
    "association": "max_association_bias",
    "skew": "max_label_skew",
}
MEASURES = {"representation": "RB", "association": "AB", "skew": "skew"}


def asked_by(balance: BalanceEntry, stated: Stated) -> dict[str, Vector]:
    """The bound on each measure, (m,) or (m, c), by kind of constraint; 1 asks for nothing.

    Nothing is asked of attributes without a target.
    """
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
    for bound in bounds.values():
        bound[np.isnan(stated.targets)] = NOTHING_ASKED
    return bounds


def asked_of_generation(balance: BalanceEntry, stated: Stated) -> dict[str, Vector]:
    """The same of what a generation adds by itself: no tighter than what an override loosens."""
    m, c = len(stated.attributes), len(stated.labels)
    bounds = {kind: np.ones((m,) if kind == "representation" else (m, c)) for kind in _BOUNDS}
    for kind, key in _BOUNDS.items():
        own = getattr(balance.generation, key, None)
        if own is None:
            continue
        bounds[kind][:] = own
        for override in balance.overrides:
            given, before = getattr(override, key), getattr(balance, key)
            if given is not None:
                rows = _named(override.attributes, stated.attributes)
                columns = _named(override.labels, stated.labels)
                where = rows if kind == "representation" else np.ix_(rows, columns)
                looser = before is not None and given > before
                bounds[kind][where] = max(given, own) if looser else own
        bounds[kind][np.isnan(stated.targets)] = NOTHING_ASKED
    return bounds


def check_asked(
    plan: PlanEvidence,
    stated: Stated,
    mine: SolvedProblem,
    before: BiasTally,
    predicted: BiasTally,
    check: Check,
    written: BiasTally | None = None,
) -> None:
    """Compare the plan's problem with its configuration, and its measures with what was asked.

    A measure is held to its bound unless the plan says that one of its constraints is missed.
    Allowed is what the solver calls met: a constraint's E[q a] up to 2e-6 of its spread. What was
    `written` before counts in all, but for what is asked of a generation by itself.
    """
    balance = plan.config.balance
    for name, wanted, used in _numbers(balance, stated):
        if not isinstance(wanted, str):
            check.expect(wanted == used, f"{name} is {used:g} in the plan, {wanted:g} was asked")
    _check_attributes(plan, stated, check)
    union = predicted if written is None else predicted.plus(written)
    check_shares(plan, stated, mine, before, union, check)
    bounds = asked_by(balance, stated)
    excused = _check_bounds(bounds, union, stated, mine, check, generation=False)
    of_generation = asked_of_generation(balance, stated)
    if any(constraint.entry.generation for constraint in stated.constraints):
        excused += _check_bounds(of_generation, predicted, stated, mine, check, generation=True)
    elif written is not None:
        asked = any((bound < NOTHING_ASKED).any() for bound in of_generation.values())
        check.expect(not asked, "bounds of a generation were asked, and the plan has none")
    lost = (before.n > 0) & (union.n == 0)
    missed = {
        one.k
        for one in stated.constraints
        if one.entry.kind == "representation" and not one.entry.attainable
    }
    for k in np.flatnonzero((bounds["representation"] < NOTHING_ASKED) & lost):
        if int(k) not in missed:
            check.differ(
                f"under the plan nobody is left whose share of {stated.attributes[k]} could be "
                f"{stated.targets[k]:g}: it drops every sample that this is a share of"
            )
    check.found = f"{excused:,} bounds cannot be met, as the plan says" if excused else ""


def _check_bounds(
    bounds: dict[str, Vector],
    tally: BiasTally,
    stated: Stated,
    mine: SolvedProblem,
    check: Check,
    generation: bool,
) -> int:
    """Hold the measures of a tally to bounds; how many are said to be missed."""
    measures, masses = tally.measures(), _masses(tally)
    excused: set[tuple[str, tuple[int, ...]]] = set()
    spread: dict[tuple[str, tuple[int, ...]], float] = {}
    for constraint, size in zip(stated.constraints, mine.spread.tolist(), strict=True):
        kind, entry = constraint.entry.kind, constraint.entry
        if kind == "share" or entry.generation != generation:
            continue
        place = (constraint.k,) if kind == "representation" else (constraint.k, constraint.r)
        check.expect(
            entry.tolerance == bounds[kind][place],
            f"{constraint.name}: its bound is {entry.tolerance:g} in the plan, "
            f"{bounds[kind][place]:g} was asked",
        )
        spread[kind, place] = size
        if not entry.attainable:
            excused.add((kind, place))
    under = "in what the plan adds" if generation else "under the plan"
    for measured, bound in bounds.items():
        values = np.abs(measures[MEASURES[measured]][0])
        for at in np.argwhere((bound < NOTHING_ASKED) & ~np.isnan(values)):
            place = tuple(at.tolist())
            if (measured, place) in excused:
                continue
            size = spread.get((measured, place), 0.0) * mine.samples / masses[measured][place]
            allowed = _MET * (1 + size)
            check.expect(
                values[place] <= bound[place] + allowed,
                f"{MEASURES[measured]} of {' and '.join(names_at(place, stated))} is "
                f"{values[place]:.6f} {under}, {bound[place]:g} was asked, and the plan "
                "does not say that it cannot be met",
            )
    return len(excused)


def check_shares(
    plan: PlanEvidence,
    stated: Stated,
    mine: SolvedProblem,
    before: BiasTally,
    predicted: BiasTally,
    check: Check,
) -> None:
    """Compare the bounds on shares with the configuration, and the shares with them.

    A share of nobody is within bounds where the corpus has nobody that it could be of.
    """
    asked = Counter(_bounds_asked(plan, stated))
    for constraint, spread in zip(stated.constraints, mine.spread.tolist(), strict=True):
        entry, k, r = constraint.entry, constraint.k, constraint.r
        if entry.kind != "share" or entry.bound is None:
            continue
        key = (entry.attribute, entry.label, entry.sign, entry.bound)
        check.expect(
            asked[key] > 0,
            f"{constraint.name}: its bound is {entry.bound:g} in the plan, which was not asked",
        )
        asked[key] -= 1
        part, whole, there = (
            (predicted.y[r], predicted.total, before.total)
            if k < 0
            else (predicted.s[k], predicted.n[k], before.n[k])
        )
        if whole == 0:
            check.expect(
                not entry.attainable or there == 0,
                f"{constraint.name}: it is of nobody under the plan, {entry.bound:g} was asked, "
                "and the plan does not say that it cannot be met",
            )
            continue
        allowed = _MET * (1 + spread * mine.samples / whole)
        check.expect(
            not entry.attainable or entry.sign * (part / whole - entry.bound) <= allowed,
            f"{constraint.name}: the share is {part / whole:.6f} under the plan, "
            f"{entry.bound:g} was asked, and the plan does not say that it cannot be met",
        )
    for attribute, label, sign, bound in asked.elements():
        side = "most" if sign > 0 else "least"
        check.differ(
            f"at {side} {bound:g} of {attribute or label} was asked, and is not in the plan"
        )


def _bounds_asked(
    plan: PlanEvidence, stated: Stated
) -> Iterator[tuple[str | None, str | None, int, float]]:
    """Attribute or label, sign and bound of each bound on a share in the configuration."""
    for names, groups, is_label in (
        (stated.attributes, plan.config.attributes, False),
        (stated.labels, plan.config.labels, True),
    ):
        for column in names:
            group, _, name = column.partition("@")[0].partition(".")
            names_of = groups[group].names if group in groups else {}
            as_typed = {typed(given): entry for given, entry in names_of.items()}
            asked = as_typed.get(typed(name), NameEntry())
            for sign, bound in ((-1, asked.at_least), (1, asked.at_most)):
                if bound is not None:
                    yield (None, column, sign, bound) if is_label else (column, None, sign, bound)


def _numbers(balance: BalanceEntry, stated: Stated) -> Iterator[tuple[str, float | str, float]]:
    """The numbers of the problem: as asked for, and as the plan has them."""
    yield "eta", balance.eta, stated.eta
    yield "Q", balance.Q, stated.Q
    if isinstance(balance.V, dict):
        for kind, wanted in balance.V.items():
            yield f"V of {kind}", wanted, stated.other_V.get(kind, stated.V)
    else:
        yield "V", balance.V, stated.V


def _check_attributes(plan: PlanEvidence, stated: Stated, check: Check) -> None:
    wanted = shares_asked(plan.config, stated.columns)
    for entry in plan.attributes:
        target, share_of = wanted.get(entry.name.partition("@")[0], (np.nan, "nothing"))
        check.expect(
            (target, share_of) == (entry.target, entry.share_of),
            f"the target of {entry.name} is {_shown(entry.target)} of {entry.share_of} in the "
            f"plan, {_shown(target)} of {share_of} was asked",
        )


def _shown(target: float | None) -> str:
    return "none" if target is None else f"{target:g}"


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


def names_at(place: tuple[int, ...], stated: Stated) -> list[str]:
    """The attribute, and the label if it is of one, at a place of a measure."""
    return [stated.attributes[place[0]], *(stated.labels[r] for r in place[1:])]
