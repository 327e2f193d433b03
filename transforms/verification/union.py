"""What earlier generations wrote, as the next plan takes it: a constant of its problem."""

import numpy as np

from transforms.verification.bias import BiasTally, check_figures
from transforms.verification.checks import Check
from transforms.verification.formulas import centres_of
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.stated import Stated, Vector

_TOLERANCE = 1e-9


def written_before(plan: PlanEvidence, stated: Stated) -> BiasTally | None:
    """What the plan says was written before; None where it says nothing.

    ValueError where its moments are not of the plan's attributes and labels.
    """
    if plan.written is None:
        return None
    m, c = len(stated.attributes), len(stated.labels)
    rows = [len(row) for row in plan.written.moments]
    if rows != [c + 1] * (3 * m + 1):
        raise ValueError(f"what was written is not of {m} attributes and {c} labels")
    moments = np.array(plan.written.moments)
    s, n, others, y = moments[:m], moments[m : 2 * m], moments[2 * m : 3 * m], moments[3 * m]
    whole = (s[:, -1], n[:, -1], others[:, -1])
    by_label = (s[:, :-1], n[:, :-1], others[:, :-1])
    return BiasTally(stated, float(y[-1]), *whole, y[:-1], *by_label)


def constants(stated: Stated, before: BiasTally | None) -> Vector:
    """The sum of each a_i over what was written before, (K,); 0 for those of a generation alone."""
    found = np.zeros(len(stated.constraints))
    if before is None:
        return found
    for i, constraint in enumerate(stated.constraints):
        entry, k, r = constraint.entry, constraint.k, constraint.r
        if entry.generation:
            continue
        sign, tolerance, bound = entry.sign, entry.tolerance, entry.bound or 0.0
        if k < 0:
            found[i] = sign * (before.y[r] - bound * before.total)
            continue
        pi = np.nan_to_num(stated.targets[k])
        s, n, others = before.s[k], before.n[k], before.others[k]
        if entry.kind == "share":
            found[i] = sign * (s - bound * n)
        elif entry.kind == "representation":
            found[i] = sign * (s - pi * n) - tolerance * n
        elif entry.kind == "skew":
            s, n = before.s_y[k, r], before.n_y[k, r]
            found[i] = sign * (s - pi * n) - tolerance * n
        else:
            p, e = centres_of(constraint, stated)
            labelled = before.s_y[k, r] - p * (before.s_y[k, r] + before.others_y[k, r])
            covariance = labelled - e * (s - p * (s + others))
            found[i] = sign * covariance - tolerance * ((1 - p) ** 2 * s + p**2 * others)
    return found


def check_written(
    plan: PlanEvidence, said: BiasTally | None, found: BiasTally, predicted: BiasTally, check: Check
) -> None:
    """Compare what the plan says was written before with what earlier generations hold, and the
    measures of that, and of that with what the plan adds.
    """
    if plan.written is None or said is None:
        check.expect(
            found.total == 0,
            f"{found.total:,.0f} samples were written before, and plan.json says of none",
        )
        return
    check.expect(
        plan.written.samples == found.total,
        f"plan.json says that {plan.written.samples:,} samples were written before, and it is "
        f"{found.total:,.0f}",
    )
    for name in ("s", "n", "others", "y", "s_y", "n_y", "others_y"):
        mine, theirs = getattr(found, name), getattr(said, name)
        apart = np.abs(mine - theirs) > _TOLERANCE * max(1.0, found.total)
        check.expect(
            not apart.any(),
            f"written.moments of plan.json are not those of what was written before ({name})",
        )
    check_figures(found, plan.written.measures.before, "written.before", check)
    check_figures(found.plus(predicted), plan.written.measures.union, "written.union", check)
