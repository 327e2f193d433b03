"""What a plan misses, in a sentence: that it cannot be met with the proof alone."""

from collections.abc import Iterator

from transforms.base.counts import counted, named
from transforms.m4.terms import VACUOUS, Terms
from transforms.plan.plan_file import PlanFile, RankFigures

_BEYOND = 1e-9


def missed_in_words(file: PlanFile, terms: Terms) -> str:
    """How many constraints are missed, and what is proven of that; nothing where none is."""
    certificate = file.certificate
    if not file.missed:
        return ""
    unsupported = set(file.without_support)
    asked = sum(
        row.tolerance < VACUOUS and row.constraint.name not in unsupported
        for row in file.constraints
    )
    some = (
        f"{len(file.missed):,} of {counted(asked, 'constraint')} "
        f"{named(asked, 'is', 'are')} not met"
    )
    if file.transferred:
        return f"{some} by the plan of {file.transferred.output}, solved for another corpus."
    if not any(row.slack > _BEYOND for row in file.constraints if not row.met):
        nobody = "the weights leave nobody whose shares they bound"
        return f"{some} at eta = {terms.eta:g}: {nobody}."
    if certificate.ranks:
        not_all = ": not all can be" * bool(certificate.least_excess)
        each = "; ".join(_ranks_in_words(file, certificate.ranks))
        return f"{some}{not_all} at eta = {terms.eta:g}. In order: {each}."
    if certificate.least_excess:
        return (
            f"{some}: not all can be at eta = {terms.eta:g}. They are missed by "
            f"{certificate.excess:.4g} in total, and no weights miss less than "
            f"{certificate.least_excess:.4g}."
        )
    why = "of a plan made on a sample, that they cannot be is not proven"
    if not file.sampled:
        V = " to ".join(f"{V:g}" for V in sorted({terms.V, *terms.other_V.values()}))
        why = f"that they cannot be is not proven, as violations cost V = {V} only"
    return f"{some} at eta = {terms.eta:g}; {why}."


def _ranks_in_words(file: PlanFile, ranks: tuple[RankFigures, ...]) -> Iterator[str]:
    """What each rank of kinds is missed by in total, and what is proven of that."""
    missed = {row.kind for row in file.constraints if not row.met}
    for place, rank in enumerate(ranks):
        named = " and ".join(rank.kinds)
        is_ = "is" if len(rank.kinds) == 1 else "are"
        if missed.isdisjoint(rank.kinds):
            yield f"{named} {is_} met"
            continue
        before = " that miss what comes before as little" * bool(place)
        proven = f"no weights{before} miss less than {rank.least_excess:.4g}"
        if not rank.least_excess:
            proven = "that they cannot be met" if len(rank.kinds) > 1 else "that it cannot be met"
            proven += " is not proven"
        yield f"{named} {is_} missed by {rank.excess:.4g} in total, and {proven}"
