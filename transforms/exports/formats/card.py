"""A Hugging Face dataset card: what was balanced, how, what was found, what cannot be concluded."""

from dataclasses import dataclass
from functools import cache

import yaml
from jinja2 import Template
from markupsafe import Markup

from transforms.base.counts import counted
from transforms.base.release import release
from transforms.base.templates import printable
from transforms.config.balance import Balance
from transforms.config.exporters import EXPORTERS
from transforms.config.writers import WRITERS
from transforms.exports import statements
from transforms.exports.exported import Exported
from transforms.exports.markdown import environment
from transforms.exports.outcome import ExportOutcome
from transforms.exports.shard_links import copies_wanted, written
from transforms.exports.target import Target
from transforms.outcome.artefacts import Artefacts, read_artefacts
from transforms.outcome.audits import audits_of
from transforms.outcome.measure_rows import measure_rows
from transforms.outcome.verdict import verdict_of
from transforms.resampling.manifest import Totals
from transforms.storage import paths

_CONFIG = "default"
_SPLIT = "train"
_MOST_MISSED = 20
_SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")


@dataclass(frozen=True)
class Card:
    """Writes README.md with the front matter that the Hub and `datasets` read."""

    name: str = "card"
    about: str = "a Hugging Face dataset card: what was balanced, how, and what was found"
    needs_shards: bool = True
    place: str = ""

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the card."""
        manifest = written(exported)
        artefacts = read_artefacts(exported.storage)
        target.publish(paths.CARD, card(artefacts, statements.name_of(exported.storage)).encode())
        return ExportOutcome(
            {"samples": manifest.totals.written, "shards": len(manifest.shards)},
            (
                "say in it which licence the samples have; a card that was changed is not "
                "written again",
                *copies_wanted(exported, target, self.place),
            ),
        )


def card(artefacts: Artefacts, name: str) -> str:
    """The card of an output that is called `name`."""
    plan, config, manifest = artefacts.plan, artefacts.config, artefacts.manifest
    extension = WRITERS[manifest.packing.format].extension
    return _template().render(
        front_matter=Markup(front_matter(name, manifest.totals, extension)),
        name=name,
        counts=statements.counts(artefacts),
        sources=statements.sources(config),
        rate=plan.rate_in_words,
        plan=plan.file,
        config=config,
        recognisers=statements.recognisers(config),
        audits=[str(audit) for audit in audits_of(plan, artefacts.histogram)],
        release=release(),
        labels=counted(len(plan.file.labels), "label"),
        bounds=_bounds(config.balance),
        verdict=verdict_of(artefacts, measure_rows(artefacts)).sentence,
        findings=statements.findings(artefacts),
        shares=tuple(statements.shares(artefacts)),
        missed=plan.missed_in_words,
        missed_names=plan.file.missed[:_MOST_MISSED],
        more_missed=len(plan.file.missed[_MOST_MISSED:]),
        limits=tuple(statements.limits(artefacts)),
        extension=Markup(extension),
        samples=manifest.totals.written,
    )


def front_matter(name: str, totals: Totals, extension: str) -> str:
    """The YAML of the card.

    By its sizes `datasets` also tells outputs of one name apart, whose samples it caches.
    """
    files = {"split": _SPLIT, "path": f"{paths.SHARDS}/*.{extension}"}
    size = {"num_bytes": totals.bytes, "num_examples": totals.written}
    return yaml.safe_dump(
        {
            "pretty_name": printable(name),
            "size_categories": [size_category(totals.written)],
            "tags": ["image-text", "webdataset", "rebalanced", "fairshard"],
            "configs": [{"config_name": _CONFIG, "data_files": [files]}],
            "dataset_info": {
                "config_name": _CONFIG,
                "splits": [{"name": _SPLIT, **size}],
                "download_size": totals.bytes,
                "dataset_size": totals.bytes,
            },
        },
        sort_keys=False,
        allow_unicode=True,
    ).rstrip()


def size_category(samples: int) -> str:
    """How many samples there are, as the Hub says it."""
    above = [limit for k, limit in enumerate(_SIZES) if samples >= 1_000 * 10**k]
    if not above:
        return f"n<{_SIZES[0]}"
    if above[-1] == _SIZES[-1]:
        return f"n>{_SIZES[-1]}"
    return f"{above[-1]}<n<{_SIZES[len(above)]}"


def _bounds(balance: Balance) -> list[str]:
    asked = (
        ("representation bias", balance.max_representation_bias),
        ("association bias", balance.max_association_bias),
        ("label skew", balance.max_label_skew),
    )
    bounds = [f"{title} at most {bound:g}" for title, bound in asked if bound is not None]
    others = len(balance.overrides)
    return bounds + [f"other bounds for some, in {counted(others, 'override')}"] * bool(others)


@cache
def _template() -> Template:
    return environment("transforms.exports").get_template("card.md.j2")


EXPORTERS.register(Card())
