"""What a plan says of the samples that it draws, beside what was asked of them."""

from transforms.config.balance import AUTO
from transforms.outcome.measure_rows import planned_rows
from transforms.plan.plan import Plan
from transforms.statistics.bounded import ROUNDING
from transforms.statistics.measures import excesses_of_shares


def missed_as_drawn(plan: Plan) -> dict[str, float]:
    """By how much the samples drawn miss what is asked, by measure and bounded share."""
    draw, terms = plan.file.draw, plan.terms
    if draw is None:
        return {}
    rows = ((row.name, row.drawn) for row in planned_rows(plan))
    missed = {name: drawn.by for name, drawn in rows if drawn and drawn.status == "missed"}
    shares = excesses_of_shares(draw.of_all, terms.shares, terms.attributes, terms.labels)
    for bound, excess in zip(terms.shares, shares.tolist(), strict=True):
        if excess > ROUNDING:
            missed[f"share of {bound.name}"] = excess
    return missed


def missed_in_words(missed: dict[str, float]) -> str:
    """What is missed, and by how much."""
    return " and ".join(f"{name} by {by:.2g}" for name, by in missed.items())


def remedies_in_words(plan: Plan) -> str:
    """What gives whole samples more room."""
    left_open = plan.file.config["balance"].get("eta") == AUTO
    return (
        "a larger corpus or a looser bound helps"
        if left_open
        else ("a larger corpus, a looser bound or a lower eta helps")
    )
