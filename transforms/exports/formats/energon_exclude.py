"""Energon: a split.yaml of the input's own shards that excludes the samples that are dropped."""

import math
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow.compute as pc
import yaml

from transforms.base.counts import counted, named
from transforms.base.errors import FairshardError
from transforms.config.exporters import EXPORTERS
from transforms.exports.exported import Exported
from transforms.exports.input_names import below_one_folder
from transforms.exports.outcome import ExportOutcome
from transforms.exports.parts import Filled, Group, made_from, made_parts
from transforms.exports.repeats import refuse_repeats
from transforms.exports.target import Target
from transforms.labels.records import LabelRecord
from transforms.labels.rejects import read_rejects
from transforms.shards.member_names import split_name
from transforms.shards.naming import path_of
from transforms.storage import paths
from transforms.storage.files import Storage

_EXPANDED = re.compile(r"[\\{}]")
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_BLOCK = 1 << 22


@dataclass(frozen=True)
class EnergonExclude:
    """Writes exclusions as Energon reads them: SHARD/KEY, or SHARD for all that it holds.

    Rejected samples are excluded too: Energon would read them.
    """

    name: str = "energon-exclude"
    about: str = "Megatron-Energon's split.yaml of the input's shards, without what is dropped"
    needs_shards: bool = False
    place: str = paths.export("energon-exclude")

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the file, from the lines of groups of shards."""
        records, plan = exported.records, exported.plan.identity
        if exported.config.input.tables:
            raise FairshardError(
                f"{self.name} is of the input's shards, and a corpus of tables has none: export "
                "`weights` or `datacomp`"
            )
        _refuse_compressed(records)
        folder, shards = below_one_folder(records)
        names = {record.shard.name: name for record, name in zip(records, shards, strict=True)}
        file, of_all = paths.ENERGON_SPLIT, made_from(plan, records)
        if target.begin({file: of_all}):
            parts = made_parts(partial(_part, exported, names), records, plan, target)
            counts = {thing: parts.count(thing) for thing in ("samples", "exclusions")}
            with target.filling(file, of_all, counts) as sink:
                for line in _beginning(shards, bool(counts["exclusions"])):
                    sink.write(line)
                for block in parts.blocks(_BLOCK):
                    sink.write(block)
            parts.clear()
        target.settle([file])
        return ExportOutcome(target.made[file].counts, tuple(_lines(folder, records)))


def _part(exported: Exported, names: Mapping[str, str], group: Group) -> Filled:
    """The exclusions of some shards, a line each."""
    lines: list[str] = []
    samples = 0
    for record in group:
        dropped, kept = _rejected(record, exported.storage), set()
        for rows in exported.rows(record):
            refuse_repeats(rows, record, EnergonExclude.name)
            is_kept = pc.greater(rows.column("copies"), 0)
            dropped += rows.column("key").filter(pc.invert(is_kept)).to_pylist()
            kept.update(rows.column("key").filter(is_kept).to_pylist())
        samples += len(kept)
        shard = names[record.shard.name]
        excluded = [f"{shard}/{key}" for key in dict.fromkeys(dropped) if key not in kept]
        lines += map(_line, excluded if kept else [shard])
    return Filled("".join(lines).encode(), {"samples": samples, "exclusions": len(lines)})


def _rejected(record: LabelRecord, storage: Storage) -> list[str]:
    """The keys of a shard's rejected samples, as loaders cut them: at the first dot."""
    if not record.rejects:
        return []
    keys = read_rejects(record.shard.name, storage).column("key").to_pylist()
    cut = ((key, split_name(key)) for key in keys if key)
    return [found[0] if found else key for key, found in cut]


def _beginning(shards: Sequence[str], excluding: bool) -> Iterator[bytes]:
    yield b"split_parts:\n  train:\n"
    for shard in shards:
        yield f"  {_line(shard)}".encode()
    yield b"exclude:\n" if excluding else b"exclude: []\n"


def _line(text: str) -> str:
    """An entry of a list in YAML, in which Energon expands no braces."""
    text = _EXPANDED.sub(r"\\\g<0>", text)
    if _PLAIN.fullmatch(text):
        return f'- "{text}"\n'
    quoted = yaml.safe_dump(text, default_style='"', width=math.inf, allow_unicode=True)
    return f"- {quoted}"


def _lines(folder: str, records: Sequence[LabelRecord]) -> Iterator[str]:
    yield (
        f"names are those below {folder}: put the file into .nv-meta there, which `energon prepare "
        f"{shlex.quote(folder)}` makes, as split.yaml or, with split_config=, under a name of its "
        "own"
    )
    if damaged := [record.shard.name for record in records if record.damage]:
        yield (
            f"{counted(len(damaged), 'shard')} ({damaged[0]} among them) cannot be read to the "
            "end, which no exclusion says: mend them, or exclude them whole"
        )


def _refuse_compressed(records: Sequence[LabelRecord]) -> None:
    packed = [record.shard for record in records if not _plain(record)]
    if packed:
        raise FairshardError(
            f"Energon reads plain tars, and {counted(len(packed), 'shard')} of the input "
            f"({packed[0].url} among them) {named(len(packed), 'is', 'are')} none: unpack what is "
            "compressed, then label and solve again, or export `weights`"
        )


def _plain(record: LabelRecord) -> bool:
    return not record.compression and path_of(record.shard.url).lower().endswith(".tar")


EXPORTERS.register(EnergonExclude())
