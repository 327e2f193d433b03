"""DataComp: a subset file, the uids of the samples that are kept, as its resharder reads it."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.base.visible import visible
from transforms.config.exporters import EXPORTERS
from transforms.config.schema import CARRIED
from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.parts import Filled, Group, Parts, made_from, made_parts
from transforms.exports.records import ExportRecord
from transforms.exports.repeats import refuse_repeats
from transforms.exports.target import Target
from transforms.exports.uids import UID, Read, Uids, in_order, merged, parsed, without_doubles
from transforms.storage import paths

_UID = f"{CARRIED}uid"
_SUBSET = np.dtype("u8,u8")
_HELD = 1 << 22
_WRITTEN_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class DataCompSubset:
    """Writes one sorted array of pairs of uint64, an entry a uid."""

    name: str = "datacomp"
    about: str = "DataComp's subset file: the sorted uids of the samples that are kept"
    needs_shards: bool = False
    place: str = paths.export("datacomp")

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the file, from parts that are sorted each."""
        if _UID not in exported.schema.arrow.names:
            raise FairshardError(
                f"the labels in {exported.storage.of_labels.url} hold no uid, by which DataComp "
                "knows samples: give `input.carry: [uid]`, which takes it from each sample's "
                "metadata, and run `fairshard label` and `solve` again"
            )
        file, plan = paths.DATACOMP_SUBSET, exported.plan.identity
        of_all = made_from(plan, exported.records)
        if target.begin({file: of_all}):
            parts = made_parts(partial(_part, exported), exported.records, plan, target)
            _require_names(parts, exported)
            counts = {"uids": sum(map(len, _subset(parts)))}
            with target.filling(file, of_all, counts) as sink:
                np.lib.format.write_array_header_1_0(sink, _header(counts["uids"]))
                for uids in _subset(parts):
                    for first in range(0, len(uids), _WRITTEN_AT_ONCE):
                        sink.write(uids[first : first + _WRITTEN_AT_ONCE].tobytes())
            parts.clear()
        target.settle([file])
        written = shlex.quote(target.path(file))
        return ExportOutcome(
            target.made[file].counts,
            (f"to make shards of it: `python resharder.py -i POOL -o SHARDS -s {written}`",),
        )


def _part(exported: Exported, group: Group) -> Filled:
    """The uids of some shards, sorted, each once, with whether their samples are kept."""
    found, unnamed = [np.empty(0, UID)], 0
    for record in group:
        for rows in exported.rows(record):
            refuse_repeats(rows, record, DataCompSubset.name)
            numbers, named = parsed(rows.column(_UID))
            kept = rows.column("copies").to_numpy() > 0
            uids = np.empty(len(kept), UID)
            uids["high"], uids["low"], uids["kept"] = numbers[:, 0], numbers[:, 1], kept
            found.append(uids[named])
            unnamed += int((kept & ~named).sum())
    return Filled(_each_once(in_order(np.concatenate(found))).tobytes(), {"unnamed": unnamed})


def _subset(parts: Parts) -> Iterator[Uids]:
    """The uids that are kept, in order, some at a time."""
    readers = [_reader(parts, record) for record in parts.records]
    for uids in merged(readers, _HELD):
        once = _each_once(uids)
        kept = np.empty(int(once["kept"].sum()), _SUBSET)
        kept["f0"], kept["f1"] = (once[half][once["kept"]] for half in ("high", "low"))
        yield kept


def _reader(parts: Parts, record: ExportRecord) -> Read:
    def read(first: int, last: int) -> Uids:
        start, end = first * UID.itemsize, min(last * UID.itemsize, record.bytes)
        content = parts.read(record, start, end) if start < end else b""
        return np.frombuffer(content, UID)

    return read


def _each_once(uids: Uids) -> Uids:
    """Sorted uids, each once; FairshardError where one is of samples that are kept, and others."""
    once, mixed = without_doubles(uids)
    if len(mixed):
        first = f"{int(mixed[0]['high']):016x}{int(mixed[0]['low']):016x}"
        raise FairshardError(
            f"DataComp knows samples by their uid alone, and {first} is that of several, of which "
            "this plan keeps some and drops others: give each sample a uid of its own, or export "
            "`weights`"
        )
    return once


def _require_names(parts: Parts, exported: Exported) -> None:
    """Raise FairshardError, with an example, where samples that are kept have no uid."""
    total = sum(record.counts["unnamed"] for record in parts.records)
    if not total:
        return
    groups = zip(parts.groups, parts.records, strict=True)
    group = next(group for group, record in groups if record.counts["unnamed"])
    example = next(_unnamed(group, exported))
    raise FairshardError(
        f"{counted(total, 'sample')} that this plan keeps cannot be named in a subset: DataComp's "
        f"uids are 32 hexadecimal digits, and {example}; mend them in the JSON of the samples and "
        "run `fairshard label` and `solve` again, or export `weights`"
    )


def _unnamed(group: Group, exported: Exported) -> Iterator[str]:
    """What samples have in place of a uid, in words."""
    for record in group:
        for rows in exported.rows(record):
            _, named = parsed(rows.column(_UID))
            for row in np.flatnonzero(~named & (rows.column("copies").to_numpy() > 0)):
                uid, key = (rows.column(name)[int(row)].as_py() for name in (_UID, "key"))
                said = "none" if uid is None else repr(visible(uid[:100]))
                yield f"{visible(key)!r} of {record.shard.name} has {said}"


def _header(entries: int) -> dict[str, object]:
    descr = np.lib.format.dtype_to_descr(_SUBSET)
    return {"descr": descr, "fortran_order": False, "shape": (entries,)}


EXPORTERS.register(DataCompSubset())
