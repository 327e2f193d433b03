"""What a preview advises to mend, the most telling first."""

from collections.abc import Iterator, Sequence
from functools import partial

from transforms.base.counts import counted, first_of
from transforms.config.observations import Observation
from transforms.config.sections import Config
from transforms.preview.preview import PreviewedName, PreviewedTable
from transforms.preview.reading import Reading
from transforms.recognition.settings import members_of
from transforms.tables.accidents import likely_cause, shown

_listed = partial(first_of, most=5)
_samples = partial(counted, thing="sample")


def advice_on(
    config: Config,
    reading: Reading,
    names: Sequence[PreviewedName],
    observed: Sequence[Observation],
    tables: Sequence[PreviewedTable] = (),
) -> Iterator[str]:
    """Sentences on members, rejects, what recognisers note, and names that are never recognised."""
    yield from _on_members(config, reading)
    yield from _on_rejects(config, reading)
    yield from _on_tables(tables)
    for observation in observed:
        yield from observation.advice
    samples = len(reading.seen)
    never = [one.name for one in names if samples and not one.hits]
    if never:
        yield (
            f"never recognised in {_samples(samples)}: {_listed(never)}; are they rare, or is what "
            "they are recognised by not in the data?"
        )
    always = [one.name for one in names if samples > 1 and one.hits == samples]
    if always:
        yield f"recognised in every sample: {_listed(always)}; what holds of all cannot be balanced"


def _on_members(config: Config, reading: Reading) -> Iterator[str]:
    there = ", ".join(f".{extension}" for extension in sorted(reading.extensions))
    for part, extensions in members_of(config).model_dump().items():
        found = any(extension.lower() in reading.extensions for extension in extensions)
        if extensions and reading.extensions and not found:
            wanted = ", ".join(f".{extension}" for extension in extensions)
            yield (
                f"no sample has a member of input.members.{part} ({wanted}): correct it (there "
                f"are: {there})"
            )


def _on_tables(tables: Sequence[PreviewedTable]) -> Iterator[str]:
    for one in tables:
        if one.samples and not one.with_row:
            there = "" if one.whole else f" in the first {one.rows:,} of its rows"
            keys = f"samples have {shown(one.without)}, rows {shown(one.of_rows)}"
            yield (
                f"no sample has a row in the table {one.table}{there}: {keys}"
                f"{likely_cause(one.without, one.of_rows)}"
            )


def _on_rejects(config: Config, reading: Reading) -> Iterator[str]:
    rejected, read = len(reading.rejects), len(reading.rejects) + len(reading.seen)
    most = config.input.limits.max_reject_share
    if rejected > most * read:
        yield (
            f"{rejected:,} of {_samples(read)} rejected, a larger share than "
            f"input.limits.max_reject_share = {most:g}: that ends a run"
        )
