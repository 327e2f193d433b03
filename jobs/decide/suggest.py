"""The job that ranks candidate labels by association with each sensitive attribute."""

import dataclasses
import multiprocessing
import os
import shlex
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs.decide.adding import add_labels, check_takes_more
from jobs.session.console import say
from jobs.session.labelled import all_label_records
from jobs.session.shard_progress import tracked
from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.proxies.contingency import MOST_CANDIDATES, Tally
from transforms.proxies.mentions import tally_shard
from transforms.proxies.ranking import FALSE_SHARE, configured, labels_of, ranked, snippet
from transforms.shards.inputs import input_shards
from transforms.storage.files import output_storage

CAPTIONS = "captions"
_NOTE = (
    "In the paper that this follows, proxies as labels helped representation and hurt association "
    'bias (Alabdulmohsin et al., "CLIP the Bias", ICLR 2024, section 4): add few, and compare.'
)


def run(
    config: Config, origin: str, top: int, console: Console, into: Path | None = None
) -> dict[str, Any]:
    """The candidates of captions, or of the metadata field `origin`, ranked for each attribute.

    Those that are worth it are written into the configuration `into`, where one is given. Raises
    FairshardError where shards are not labelled, or nothing can be read of them.
    """
    if into is not None:
        check_takes_more(into)
    storage = output_storage(config.output)
    records = all_label_records(config, input_shards(config))
    field = None if origin == CAPTIONS else origin
    attributes = schema_of(config).attributes
    tally = Tally(2 * len(attributes))
    count = partial(tally_shard, config=config, field=field, storage=storage)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(records)), context) as pool:
        for part in tracked(pool.map(count, records), len(records), "reading", console):
            tally.merge(part)
    if not tally.candidates:
        where = (
            "no caption holds a word" if field is None else f"no metadata holds a text at {field}"
        )
        raise FairshardError(f"{where}: correct --from, or input.members of the configuration")
    proxies = ranked(tally, attributes, configured(config), top)
    m, names = len(attributes), labels_of(proxies, field)
    return {
        "from": origin,
        "samples": tally.samples,
        "unread": sum(record.samples for record in records) - tally.samples,
        "candidates": len(tally.candidates),
        "counts_short_by": tally.short,
        "attributes": [
            {
                "attribute": attribute.name,
                "with": int(tally.on_side[k]),
                "without": int(tally.on_side[m + k]),
                "proxies": [dataclasses.asdict(proxy) for proxy in proxies[attribute.name]],
            }
            for k, attribute in enumerate(attributes)
        ],
        "snippet": snippet(names, config),
        "note": _NOTE,
        **({} if into is None else {"into": add_labels(into, names)}),
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    left_out = f" ({summary['unread']:,} filtered or without one)" if summary["unread"] else ""
    say(
        console,
        f"{counted(summary['candidates'], 'candidate')} from the {summary['from']} of "
        f"{counted(summary['samples'], 'sample')}{left_out}",
    )
    if summary["counts_short_by"]:
        say(
            console,
            f"there are more than {MOST_CANDIDATES:,}: the rarest were let go, and counts may be "
            f"short by up to {summary['counts_short_by']:,}",
        )
    for entry in summary["attributes"]:
        _show_attribute(entry, console)
    say(console, f"\n{summary['note']}")
    if "into" in summary:
        _show_added(summary["into"], console)
    elif summary["snippet"]:
        say(
            console,
            f"\nThose with a q-value up to {FALSE_SHARE:g}, to go under `labels` of the "
            "configuration; `--into CONFIG` writes them in:\n",
        )
        say(console, summary["snippet"])


def _show_added(into: dict[str, Any], console: Console) -> None:
    file = into["file"]
    if into["there_already"]:
        say(console, f"\n{file} has these already: {', '.join(into['there_already'])}")
    if not into["added"]:
        say(console, f"\nnothing is added to {file}: no other has a q-value up to {FALSE_SHARE:g}")
        return
    say(
        console,
        f"\nadded to {file}, as the group {into['group']} of labels: {', '.join(into['added'])}",
    )
    say(
        console,
        f"next: fairshard rebalance {shlex.quote(file)} (every sample is labelled again: "
        "there are more labels)",
    )


def _show_attribute(entry: dict[str, Any], console: Console) -> None:
    carrying = f"{counted(entry['with'], 'sample')} with, {entry['without']:,} without"
    title = f"{entry['attribute']}: {carrying}"
    if not entry["proxies"]:
        say(console, f"\n{title}; no interval of a candidate leaves out 0")
        return
    say(console, f"\n{title}")
    table = Table("candidate", box=None, collapse_padding=True, pad_edge=False)
    for column in ("samples", "AB [95 %]", "log odds [95 %]", "q-value"):
        table.add_column(column, justify="right")
    for proxy in entry["proxies"]:
        table.add_row(
            proxy["candidate"],
            f"{proxy['samples']:,}",
            _interval(proxy, "AB", 3),
            _interval(proxy, "log_odds", 2),
            f"{proxy['q_value']:.1e}",
        )
    console.print(table)


def _interval(proxy: dict[str, Any], name: str, digits: int) -> str:
    low, value, high = (proxy[f"{name}{end}"] for end in ("_low", "", "_high"))
    return f"{value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"
