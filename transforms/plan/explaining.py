"""Explaining why a plan misses something: what is found is on file as soon as it is."""

from collections.abc import Callable, Iterator

from transforms.config.sections import Balance
from transforms.feasibility.conflicts import Unmet, explained
from transforms.feasibility.explanation import Explanation
from transforms.m4.problem import problem_of
from transforms.plan.explanation_file import explanation_of, write_explanation
from transforms.plan.plan import Plan, read_histogram
from transforms.storage import paths
from transforms.storage.files import Storage
from transforms.storage.wellformed import well_formed


def explain(
    plan: Plan, storage: Storage, enough: Callable[[], bool] = lambda: False
) -> Iterator[Explanation]:
    """Ever more of why the plan on file misses something, from what is on file of that.

    Until nothing is left to look for or there is `enough`, which is asked before each problem that
    is solved for it.
    """
    known = explanation_of(plan, storage)
    if known is None or known.complete:
        return
    for more in explained(_unmet(plan, storage), known, enough):
        write_explanation(more, plan, storage)
        yield more


def _unmet(plan: Plan, storage: Storage) -> Unmet:
    histogram, _ = read_histogram(storage, plan)
    corpus, terms = plan.corrected(histogram), plan.terms
    where = storage.path(paths.PLAN)
    with well_formed(f"{where} is not a plan: run `fairshard solve` again"):
        asked = Balance.model_validate(plan.file.config["balance"]).at(terms.eta)
    asked = asked.with_shares(terms.shares)
    times = plan.file.samples.balanced / plan.solved_on
    part = plan.file.written
    written = part.moments_of(len(terms.attributes)).times(1 / times) if part else None
    problem = problem_of(corpus, terms, written)
    return Unmet(corpus, terms.attributes, asked, problem, problem.vector_of(plan.duals), times)
