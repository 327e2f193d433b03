"""Making a preview of what a configuration would recognise."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import xxhash

from transforms.base.errors import FairshardError, reason_of
from transforms.config.names import NameSpec
from transforms.config.observations import Observation
from transforms.config.recognisers import RECOGNISERS, Source
from transforms.config.sections import Config
from transforms.labels.rejects import kinds_of
from transforms.preview.advice import advice_on
from transforms.preview.excerpts import around
from transforms.preview.preview import Example, Extension, Preview, PreviewedName
from transforms.preview.reading import Reading, SeenSample, Tracked, read_heads
from transforms.recognition.settings import members_of
from transforms.shards.finding import Shard

_EACH = 6
_CAPTION: tuple[Source, ...] = ("caption",)

Names = Mapping[str, tuple[str, NameSpec]]
"""Kind ("attribute" or "label") and settings of each name, GROUP.NAME."""


def preview(
    config: Config, shards: Sequence[Shard], samples: int, tracked: Tracked = iter
) -> Preview:
    """The first `samples` samples of shards spread over `shards`, as labelling would have them.

    `tracked` passes on what becomes of each sample. Raises FairshardError where no sample is there,
    a shard cannot be read, or the model cannot be had.
    """
    reading = read_heads(config, shards, samples, tracked)
    if not reading.seen and not reading.rejects:
        raise FairshardError(
            "no shard holds a sample that can be read: are they webdataset tars? Correct "
            "input.shards, or the names of the shards' members"
        )
    named = _names(config)
    names = tuple(_previewed(name, *of_name, reading.seen) for name, of_name in named.items())
    extensions = _extensions(config, reading)
    observed = tuple(_observations(named, reading.seen))
    return Preview(
        shards=reading.shards,
        of_shards=len(shards),
        samples=len(reading.seen),
        filtered=_filtered(config, reading.seen),
        rejected=tuple(kinds_of(reading.rejects)),
        extensions=extensions,
        names=names,
        observations=observed,
        advice=tuple(advice_on(config, reading, names, observed)),
    )


def _names(config: Config) -> Names:
    kinds = (("attribute", config.attributes), ("label", config.labels))
    return {
        f"{group}.{name}": (kind, spec)
        for kind, groups in kinds
        for group, settings in groups.items()
        for name, spec in settings.names.items()
    }


def _previewed(name: str, kind: str, spec: NameSpec, seen: Sequence[SeenSample]) -> PreviewedName:
    sources = spec.sources()
    words = _caption_words(spec)
    hits = [sample for sample in seen if name in sample.sources]
    return PreviewedName(
        kind,
        name,
        len(hits),
        {source: sum(source in hit.sources[name] for hit in hits) for source in sources},
        {source: sum(hit.sources[name] == {source} for hit in hits) for source in sources},
        sum(hit.sources[name] == set(sources) for hit in hits),
        tuple(
            Example(
                hit.location,
                tuple(source for source in sources if source in hit.sources[name]),
                *around(hit.caption, words),
            )
            for hit in sorted(hits, key=lambda hit: _hash(hit.location.key))[:_EACH]
        ),
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
    for name, (_, spec) in named.items():
        for key, given in spec.given().items():
            settings.setdefault(key, {})[name] = given
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


def _filtered(config: Config, seen: Iterable[SeenSample]) -> int:
    if config.filter is None:
        return 0
    least = config.filter.min_similarity
    return sum(one.similarity is not None and one.similarity < least for one in seen)


def _hash(key: str) -> int:
    return xxhash.xxh3_64_intdigest(key.encode("utf-8", "surrogateescape"))
