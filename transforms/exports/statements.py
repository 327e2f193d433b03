"""What an output says of itself in any document: what was asked, what was found, and no more."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from transforms.base.counts import counted
from transforms.base.redaction import redacted_url
from transforms.config.columns import Recognised
from transforms.config.recognisers import RECOGNISERS
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.outcome.absences import groups_in_output, removed_names
from transforms.outcome.artefacts import Artefacts
from transforms.outcome.measure_rows import MeasureRow, Worst, measure_rows
from transforms.outcome.shares import BoundedShare, bounded_shares
from transforms.outcome.status import in_words
from transforms.recognition.settings import recognitions
from transforms.statistics.bounded import figures
from transforms.storage.files import Storage

_MEANINGS = {
    "RB": "how far an attribute's share is from its target",
    "AB": "how much more often a label goes with an attribute than without it",
    "skew": "how far an attribute's share among the samples with a label is from its target",
}
_PARTS = {"caption": "captions", "image": "images", "metadata": "the metadata"}


@dataclass(frozen=True)
class Statement:
    """A figure of the output in words: what it is of, before and after, what became of it.

    asked: the bound on it; "" where there is none. meaning: what it measures.
    """

    title: str
    meaning: str
    of: str
    before: str
    after: str
    asked: str
    outcome: str

    def __str__(self) -> str:
        of = f" ({self.of})" if self.of else ""
        asked = f"asked for {self.asked}: {self.outcome}" if self.asked else "nothing asked for"
        return (
            f"{self.title} ({self.meaning}): {self.before} before, {self.after} after{of}; {asked}"
        )


def findings(artefacts: Artefacts) -> tuple[Statement, ...]:
    """The measures of the output, and the shares that are bounded."""
    rows = (_of_measure(row) for row in measure_rows(artefacts) if row.after.of)
    return (*rows, *map(_of_share, bounded_shares(artefacts)))


def shares(artefacts: Artefacts) -> Iterator[Statement]:
    """The share of each attribute, beside its target."""
    before, after = artefacts.before.share, artefacts.after.share
    for k, attribute in enumerate(artefacts.attributes):
        of = (
            "all samples"
            if attribute.share_of == "all"
            else f"samples that show any {attribute.group}"
        )
        target = "" if attribute.target is None else f"{attribute.target:g}"
        yield Statement(attribute.name, of, "", _figure(before[k]), _figure(after[k]), target, "")


def counts(artefacts: Artefacts) -> str:
    """What became of the samples."""
    totals = artefacts.manifest.totals
    repeats = f", {counted(totals.repeats, 'repeat')} of them" * bool(totals.repeats)
    return (
        f"Of {counted(totals.in_, 'sample')}, {totals.kept:,} were kept, {totals.dropped:,} "
        f"dropped, and {totals.rejected:,} could not be used; {totals.written:,} were written"
        f"{repeats}, in {counted(len(artefacts.manifest.shards), 'shard')}."
    )


def sources(config: Config) -> tuple[str, ...]:
    """Where the samples are from, without secrets."""
    return tuple(map(redacted_url, config.input.shards))


def name_of(storage: Storage) -> str:
    """What an output is called: its folder."""
    return redacted_url(storage.url).rstrip("/").rpartition("/")[2] or "fairshard"


def recognisers(config: Config) -> tuple[str, ...]:
    """What found the attributes and labels, each in a line."""
    keys = sorted({key for given in recognitions(config) for key in given})
    lines = tuple(f"fairshard, {key}: {RECOGNISERS[key].about}" for key in keys)
    if config.model is None:
        return lines
    trained = config.model.pretrained
    weights = f", weights {redacted_url(trained)}" if trained else ""
    return (*lines, f"open_clip, model {redacted_url(config.model.name)}{weights}")


def limits(artefacts: Artefacts) -> Iterator[str]:
    """What cannot be concluded from the figures, a sentence each."""
    yield (
        f"Attributes and labels are what was recognised in {_looked_at(artefacts.config)}: they "
        "are perceived or stated there, and are nobody's identity."
    )
    if artefacts.plan.odds is None:
        yield (
            "Recognisers err, and how often they do was not measured: the figures are of their "
            "labels, and say nothing of how far the true shares are from these."
        )
    else:
        yield (
            "The figures are of the true attributes, as far as hand-checked samples tell these "
            "from the recognised ones; what is said of single samples is as recognised."
        )
    yield (
        "The bounds are of the attributes and labels that were asked for. Of all others, and of "
        "combinations that were not, nothing is known: balancing some can unbalance others."
    )
    yield (
        "The figures are of all shards together. A part of them, a filter behind them, or a "
        "mixture with other data has others."
    )
    yield "Balanced data does not make a model unbiased: measure what is trained on it as well."
    if artefacts.plan.sampled_in_words:
        yield f"The plan was {artefacts.plan.sampled_in_words}."
    histogram, q, manifest = artefacts.histogram, artefacts.q, artefacts.manifest
    for group in groups_in_output(artefacts.plan, histogram, q, manifest):
        yield f"{group}."
    for name in removed_names(artefacts.plan, histogram, q, manifest):
        yield f"None of the output carries the {name}."


def _of_measure(row: MeasureRow) -> Statement:
    after, asked = _beside(row.after)
    apart = f" ({row.before.of})" * (row.before.of not in ("", row.after.of))
    return Statement(
        row.title,
        _MEANINGS[row.name],
        row.after.of,
        f"{_figure(row.before.value)} ± {_figure(row.before.error)}{apart}",
        after + _error(row.after.error, row.by),
        asked and f"at most {asked}",
        in_words(row.status, by=row.by),
    )


def _of_share(share: BoundedShare) -> Statement:
    return Statement(
        share.name[0].upper() + share.name[1:],
        "of all that is kept",
        "",
        _figure(share.before),
        _figure(share.after) + _error(share.error, share.by),
        share.asked_in_words,
        in_words(share.status, by=share.by),
    )


def _beside(worst: Worst) -> tuple[str, str]:
    """A value and its bound; "" for no bound."""
    if math.isnan(worst.value) or math.isnan(worst.asked):
        return _figure(worst.value), ""
    return figures(worst.value, worst.asked)


def _error(value: float, by: float | None) -> str:
    """A standard error, unless there is none as nothing is left to chance."""
    return "" if math.isnan(value) and by is not None else f" ± {_figure(value)}"


def _figure(value: float) -> str:
    return "no data" if math.isnan(value) else f"{value:.4f}"


def _looked_at(config: Config) -> str:
    entries: tuple[Recognised, ...] = schema_of(config).recognised
    found = dict.fromkeys(source for entry in entries for source in entry.sources)
    named = [_PARTS.get(source, source) for source in found]
    return " and ".join(filter(None, (", ".join(named[:-1]), named[-1] if named else "the input")))
