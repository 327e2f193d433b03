"""What of a valid configuration may not mean what its writer thinks."""

import re
from collections.abc import Iterator
from functools import partial

from transforms.base.counts import first_of
from transforms.config.columns import Named
from transforms.config.conditions import Condition
from transforms.config.groups import EMBEDDED_PROMPTS, CrossedGroup
from transforms.config.names import NameSpec
from transforms.config.recognisers import RECOGNISERS
from transforms.config.sections import Config
from transforms.recognition.image_kinds import EXTENSIONS

_listed = partial(first_of, most=5)
_CONDITIONS = ", or ask for it by matches, at_least, above, at_most or below"
_LONGEST = 200
_EXTENSION = re.compile(r"[^.*/\s][^*/\s]*")
_OF_OPEN_CLIP = ("jpg", "png", "jpeg", "webp")
_PATTERN = re.compile(
    r"^\s*(>=|<=|==|!=|>|<|=|~)\s*[\w.+-]+\s*$|\w\s*(>=|<=|==|!=|>|<)\s*\d"  # a comparison
    r"|\d\.\.\d|^[\[(]\s*[\d.]*\s*,\s*[\d.]*\s*[\])]$"  # a range
    r"|^/.+/[a-z]*$|^\^|[a-z]\$$|\\[wdsbWDSB]|\.[*+]"  # a regular expression
    r"|\w\[[^\]]+\]|\[[^\]]+\]\w|\(\?|\(\S*\|\S*\)"  # classes and groups of one
    r"|\*|\w\?\w|\{\w*,\w*\}"  # a glob, or braces
    r"|\w\s*\|\s*\w|\w\s+(AND|OR|NOT)\s+\w|^NOT\s"  # several in one
    r"|^%\w|[^\W\d]%$"  # of SQL
)


def doubts_about(config: Config) -> Iterator[str]:
    """Sentences on values that look like patterns, shared words, extensions, idle embeddings."""
    named = _named(config)
    yield from _patterns(named)
    yield from _shared(named)
    yield from _extensions(config)
    yield from _unasked(config)


def _named(config: Config) -> dict[str, NameSpec]:
    groups: list[tuple[str, Named | CrossedGroup]] = [
        *config.attributes.items(),
        *config.labels.items(),
    ]
    return {
        f"{key}.{name}": spec
        for key, group in groups
        if not isinstance(group, CrossedGroup)
        for name, spec in group.names.items()
    }


def _patterns(named: dict[str, NameSpec]) -> Iterator[str]:
    """Of each recogniser, the words that look like patterns."""
    found: dict[str, list[str]] = {}
    remedies: dict[str, str] = {}
    for name, spec in named.items():
        for key, settings in spec.given().items():
            words = [
                word
                for word in RECOGNISERS[key].terms(settings)
                if _PATTERN.search(word[:_LONGEST])
            ]
            found.setdefault(key, []).extend(f"{word!r} of {name}" for word in words)
            remedies[key] = _CONDITIONS * isinstance(settings, Condition)
    for key, words in found.items():
        if words:
            yield (
                f"{_listed(words)}, under {key}: patterns are not read, each is compared as it "
                f"stands; write out what is meant{remedies[key]}"
            )


def _shared(named: dict[str, NameSpec]) -> Iterator[str]:
    """Pairs of names, and what a sample has that makes it both."""
    names_of: dict[tuple[str, str], list[str]] = {}
    for name, spec in named.items():
        for key, settings in spec.given().items():
            entry = RECOGNISERS[key]
            for mark in dict.fromkeys((entry.marks or entry.terms)(settings)):
                names_of.setdefault((key, mark), []).append(name)
    shared: dict[tuple[str, ...], list[str]] = {}
    for (key, mark), of_mark in names_of.items():
        if len(of_mark) > 1:
            shared.setdefault(tuple(of_mark), []).append(f"{key} {mark}")
    for names, marks in shared.items():
        yield (
            f"{_listed(names)} are recognised by the same ({_listed(marks)}): each such sample is "
            "all of them"
        )


def _extensions(config: Config) -> Iterator[str]:
    for part, extensions in config.input.members.model_dump().items():
        key = f"input.members.{part}"
        odd = [extension for extension in extensions if not _EXTENSION.fullmatch(extension)]
        if odd:
            bare = ", ".join(one.lstrip("*.") or "jpg" for one in odd)
            yield (
                f"{key}: {_listed(odd)} is the extension of no member: extensions are what follows "
                f"the first dot of a name, without the dot; write {bare}"
            )
    images = [one.lower() for one in config.input.members.image if _EXTENSION.fullmatch(one)]
    unread = [one for one in images if one.rpartition(".")[2] not in EXTENSIONS]
    if unread:
        yield (
            f"input.members.image: {_listed(unread)} is the extension of no kind of image that is "
            f"read ({', '.join(EXTENSIONS)}); what holds none of these is rejected"
        )
    unseen = [one for one in images if one not in _OF_OPEN_CLIP and one not in unread]
    if unseen:
        yield (
            f"input.members.image: open_clip's training data loader passes over {_listed(unseen)} "
            f"(it takes {', '.join(_OF_OPEN_CLIP)}); the output holds such samples as they are"
        )


def _unasked(config: Config) -> Iterator[str]:
    """Embeddings that neither prompts nor similarities are asked of."""
    asked = {
        group.zero_shot.embeddings
        for group in (*config.attributes.values(), *config.labels.values())
        if not isinstance(group, CrossedGroup)
        and any(EMBEDDED_PROMPTS in spec.given() for spec in group.names.values())
    }
    for name in config.embeddings:
        if name not in {*asked, config.similarity_from}:
            seen = ", and prompts are asked of images, as there is a model" * bool(config.model)
            yield (
                f"embeddings.{name} is asked nothing{seen}: name it as zero_shot.embeddings of a "
                "group with prompts, or as similarity"
            )
