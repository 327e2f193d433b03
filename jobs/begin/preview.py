"""The job that labels a few samples, and shows what a configuration would recognise."""

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobs.begin.preview_size import MOST
from jobs.session.console import say
from jobs.session.inputs import input_of
from jobs.session.shard_progress import tracked
from transforms.base.errors import FairshardError, reason_of
from transforms.config.recognisers import SOURCES
from transforms.config.sections import Config
from transforms.labels.rejects import RejectKind
from transforms.preview.preview import Example, Extension, Preview
from transforms.preview.previewing import preview
from transforms.recognition.settings import needs_of
from transforms.report.preview_page import preview_page

_MOST_ROWS = 60
_MOST_EXAMPLES = 3
_MOST_ADVICE = 10


def run(config: Config, samples: int, page: Path | None, console: Console) -> dict[str, Any]:
    """The preview of `samples` samples of a configuration's shards, and its `page` if one is asked.

    Raises FairshardError where there are none, or the page cannot be written.
    """
    if not 1 <= samples <= MOST:
        raise FairshardError(f"a preview is of between 1 and {MOST:,} samples, not {samples:,}")
    shards = input_of(config, console).shards
    if config.model is not None and "image" in needs_of(config):
        say(console, f"loading the model {config.model.name}")
    follow = partial(tracked, total=samples, doing="labelling", console=console, unit="sample")
    found = preview(config, shards, samples, follow)
    if page is not None:
        _write(page, preview_page(found, config))
    return {**_as_json(found), "of_tables": bool(config.input.tables), "html": page and str(page)}


def _write(page: Path, content: str) -> None:
    try:
        page.write_text(content, encoding="utf-8")
    except OSError as error:
        raise FairshardError(f"the page {page} cannot be written: {reason_of(error)}") from error


def _as_json(found: Preview) -> dict[str, Any]:
    names = [
        {**dataclasses.asdict(one), "examples": [_example(each) for each in one.examples]}
        for one in found.names
    ]
    tables = [{**dataclasses.asdict(one), "in_words": str(one)} for one in found.tables]
    return {**dataclasses.asdict(found), "names": names, "tables": tables}


def _example(example: Example) -> dict[str, Any]:
    where = example.location
    return {
        "shard": where.shard.name,
        "key": where.key,
        "sources": example.sources,
        "before": example.before,
        "word": example.word,
        "after": example.after,
    }


def show(summary: Mapping[str, Any], console: Console) -> None:
    """Print a preview for people."""
    rejected = sum(kind["samples"] for kind in summary["rejected"])
    below = summary["filtered"]
    say(
        console,
        f"{_count(summary['samples'] + rejected, 'sample')}, the first of {summary['shards']:,} of "
        f"{_count(summary['of_shards'], 'shard')}: {summary['samples']:,} labelled, "
        f"{rejected:,} rejected"
        + (f"; {below:,} would be dropped by {summary['filtered_by']}" if below else ""),
    )
    for kind in summary["rejected"]:
        say(console, f"  {RejectKind(**kind)}")
    members = (
        f".{one['extension']} in {one['samples']:,} ({Extension(**one).read_as})"
        for one in summary["extensions"]
    )
    if not summary["of_tables"]:
        say(console, f"members: {', '.join(members) or 'none'}")
    for table in summary["tables"]:
        say(console, table["in_words"])
    if summary["samples"]:
        _show_names(summary, console)
    for observation in summary["observations"]:
        _show_table(observation["title"], observation["rows"], console)
        if not observation["rows"]:
            say(console, f"\n{observation['title']}")
    _show_advice(summary, console)


def _show_names(summary: Mapping[str, Any], console: Console) -> None:
    names = summary["names"]
    _show_table("hits by name and source", _hits(names, summary["samples"]), console)
    several = [one for one in names if len(one["by_source"]) > 1]
    _show_table("agreement of sources, in samples", _agreement(several), console)
    _show_table("for example", _examples(names), console)


def _count(number: int, unit: str) -> str:
    return f"1 {unit}" if number == 1 else f"{number:,} {unit}s"


def _hits(names: Sequence[Mapping[str, Any]], samples: int) -> list[dict[str, Any]]:
    sources = [source for source in SOURCES if any(source in one["by_source"] for one in names)]
    return [
        {
            "name": one["name"],
            "kind": f"{one['kind']}, derived" if one["derived"] else one["kind"],
            "hits": one["hits"],
            "share": f"{one['hits'] / max(1, samples):.1%}",
            **{source: one["by_source"].get(source, "") for source in sources},
        }
        for one in names
    ]


def _agreement(names: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    sources = [source for source in SOURCES if any(source in one["by_source"] for one in names)]
    return [
        {
            "name": one["name"],
            "all of them": one["agreed"],
            **{f"{source} alone": one["alone"].get(source, "") for source in sources},
        }
        for one in names
    ]


def _examples(names: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": one["name"] if not number else "",
            "by": "derived" if one["derived"] else ", ".join(each["sources"]),
            "sample": f"{each['shard']}/{each['key']}",
            "caption": Text.assemble(each["before"], (each["word"], "bold"), each["after"]),
        }
        for one in names
        for number, each in enumerate(one["examples"][:_MOST_EXAMPLES])
    ]


def _show_table(
    title: str, rows: Sequence[Mapping[str, str | int | Text]], console: Console
) -> None:
    """A table of rows by heading, numbers to the right; nothing where there are no rows."""
    if not rows:
        return
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for heading, cell in rows[0].items():
        number = isinstance(cell, int)
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    for row in rows[:_MOST_ROWS]:
        table.add_row(*map(_cell, row.values()))
    say(console, f"\n{title}")
    console.print(table)
    if len(rows) > _MOST_ROWS:
        say(console, f"and {len(rows) - _MOST_ROWS:,} more rows; --json has all")


def _cell(value: str | int | Text) -> Text:
    if isinstance(value, Text):
        return value
    return Text(f"{value:,}" if isinstance(value, int) else value)


def _show_advice(summary: Mapping[str, Any], console: Console) -> None:
    advice = summary["advice"]
    say(console, "\nto mend:" if advice else "\nnothing to mend is seen in these samples")
    for line in advice[:_MOST_ADVICE]:
        say(console, f"  {line}")
    if len(advice) > _MOST_ADVICE:
        say(console, f"  and {len(advice) - _MOST_ADVICE:,} more; --json has all")
    if summary["html"]:
        say(console, f"page: {summary['html']}")
