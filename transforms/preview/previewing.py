"""Making a preview of what a configuration would recognise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import xxhash

from transforms.base.errors import FairshardError, reason_of
from transforms.config.columns import shown_name, without_source
from transforms.config.groups import CrossedGroup
from transforms.config.names import NameSpec
from transforms.config.observations import Observation
from transforms.config.recognisers import RECOGNISERS, Source
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.rejects import kinds_of
from transforms.preview.advice import advice_on
from transforms.preview.excerpts import around
from transforms.preview.filtered import filtered, filtered_by, observe_filter
from transforms.preview.hits import Flags, hits_of
from transforms.preview.joined import joined_heads
from transforms.preview.preview import Example, Extension, Preview, PreviewedName
from transforms.preview.reading import (
    Reading,
    SeenSample,
    Tracked,
    each_source_apart,
    read_heads,
)
from transforms.recognition.settings import members_of
from transforms.shards.finding import Shard

_EACH = 6
_CAPTION: tuple[Source, ...] = ("caption",)

Names = Mapping[str, NameSpec | None]
"""How each name is recognised, by its column without a source; None of crossed names."""


def preview(
    config: Config, shards: Sequence[Shard], samples: int, tracked: Tracked = iter
) -> Preview:
    """The first `samples` samples of shards spread over `shards`, as labelling would have them.

    `tracked` passes on what becomes of each sample. Raises FairshardError where no sample is there,
    a shard cannot be read, or the model cannot be had.
    """
    reading = read_heads(config, shards, samples, tracked)
    seen, tables = joined_heads(each_source_apart(config), reading.seen)
    reading = replace(reading, seen=seen)
    if not reading.seen and not reading.rejects:
        raise FairshardError(
            "no table holds a row: correct input.tables"
            if config.input.tables
            else "no shard holds a sample that can be read: are they webdataset tars? Correct "
            "input.shards, or the names of the shards' members"
        )
    named = _names(config)
    hits = hits_of(config, reading.seen)
    names = tuple(
        _previewed(column, spec, reading.seen, hits[column]) for column, spec in named.items()
    )
    extensions = _extensions(config, reading)
    observed = (
        *_observations(named, reading.seen),
        *observe_filter(config, reading.seen),
    )
    return Preview(
        shards=reading.shards,
        of_shards=len(shards),
        samples=len(reading.seen),
        filtered=filtered(config, reading.seen),
        filtered_by=filtered_by(config),
        rejected=tuple(kinds_of(reading.rejects)),
        extensions=extensions,
        names=names,
        observations=observed,
        advice=tuple(advice_on(config, reading, names, observed, tables)),
        tables=tables,
    )


def _names(config: Config) -> Names:
    found: dict[str, NameSpec | None] = {}
    for column in map(without_source, schema_of(config).pattern_columns):
        kind, key, name = column.split(".", 2)
        group = (config.attributes if kind == "s" else config.labels)[key]
        found[column] = None if isinstance(group, CrossedGroup) else group.names[name]
    return found


def _previewed(
    column: str, spec: NameSpec | None, seen: Sequence[SeenSample], carried: Flags
) -> PreviewedName:
    sources = spec.sources() if spec else ()
    words = _caption_words(spec) if spec else []
    hits = [sample for sample, hit in zip(seen, carried, strict=True) if hit]
    found = [by for sample in seen if (by := sample.sources.get(column))]
    return PreviewedName(
        "attribute" if column.startswith("s.") else "label",
        shown_name(column),
        len(hits),
        {source: sum(source in by for by in found) for source in sources},
        {source: sum(by == {source} for by in found) for source in sources},
        sum(by == set(sources) for by in found),
        tuple(
            Example(
                hit.location,
                tuple(source for source in sources if source in hit.sources[column]),
                *around(hit.caption, words),
            )
            for hit in sorted(hits, key=lambda hit: _hash(hit.location.key))[:_EACH]
        ),
        derived=not sources,
    )


def _caption_words(spec: NameSpec) -> list[str]:
    """The words that a name is looked for by in captions."""
    return [
        word
        for key, settings in spec.given(_CAPTION).items()
        for word in RECOGNISERS[key].terms(settings)
    ]


def _extensions(config: Config, reading: Reading) -> tuple[Extension, ...]:
    parts = {
        extension.lower(): part
        for part, extensions in config.input.members.model_dump().items()
        for extension in extensions
    }
    wanted = members_of(config)
    needed = {one.lower() for one in (*wanted.image, *wanted.caption, *wanted.metadata)}
    return tuple(
        Extension(extension, samples, parts.get(extension, ""), extension in needed)
        for extension, samples in sorted(
            reading.extensions.items(), key=lambda entry: (-entry[1], entry[0])
        )
    )


def _observations(named: Names, seen: Sequence[SeenSample]) -> Iterator[Observation]:
    """What each recogniser notes of what it was given of the samples."""
    read: dict[Source, list[Any]] = {
        "caption": [sample.caption for sample in seen],
        "metadata": [sample.document for sample in seen],
    }
    settings: dict[str, dict[str, Any]] = {}
    for column, spec in named.items():
        for key, given in spec.given().items() if spec else ():
            settings.setdefault(key, {})[shown_name(column)] = given
    for key, of_names in settings.items():
        entry = RECOGNISERS[key]
        if seen and entry.source in read:
            try:
                yield from entry.observe(of_names, read[entry.source])
            except Exception as error:
                raise FairshardError(
                    f"the recogniser {key!r} of {RECOGNISERS.origin(key)} fails on what a preview "
                    f"reads: {reason_of(error)}; mend it, or leave {key} out"
                ) from error


def _hash(key: str) -> int:
    return xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogateescape"))
