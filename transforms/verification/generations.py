"""An output that has grown: each generation by its own plan, then all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import xxhash
from pydantic import BaseModel, ValidationError

from transforms.base.counts import counted
from transforms.base.errors import FairshardError
from transforms.storage import paths
from transforms.storage.documents import json_in
from transforms.storage.files import Storage
from transforms.verification.archived import (
    GenerationRecord,
    check_patterns_written,
    check_place,
    check_plan_files,
)
from transforms.verification.bias import BiasTally, check_figures
from transforms.verification.checks import Check
from transforms.verification.evidence import (
    Evidence,
    GenerationEvidence,
    ManifestEvidence,
)
from transforms.verification.keys import check_across
from transforms.verification.plan_evidence import PlanEvidence
from transforms.verification.stated import Stated
from transforms.verification.union import check_written
from transforms.verification.verifying import Step, Verified, verified, verify

_Model = TypeVar("_Model", bound=BaseModel)
_TOTALS = ("in", "kept", "dropped", "rejected", "repeats", "written", "bytes")


@dataclass(frozen=True)
class _OfGeneration(Storage):
    """An output, its plan and manifest those of the generation that lies in `folder`."""

    folder: str = ""

    def path(self, name: str) -> str:
        """The full URL of the file `name`."""
        if name == paths.MANIFEST or name.startswith(f"{paths.PLANS}/"):
            return f"{self.url.rstrip('/')}/{self.folder}/{name}"
        return super().path(name)


def verify_output(
    evidence: Evidence, sample: int | None, step: Step, inputs: bool = True
) -> tuple[Check, ...]:
    """Every check of an output: as `verify`, of each generation of one that has grown, and of all.

    A check that is made of each generation is one, which names the generation that differs.
    """
    if evidence.written is None or not evidence.written.generations:
        return verify(evidence, sample, step, inputs)
    archives = Check("generations", "what each was made from is on file, as it was", "files")
    found: list[tuple[Evidence, Verified]] = []
    for entry in evidence.written.generations:
        of_one = _evidence_of(evidence, entry, found, archives)
        one = verified(of_one, sample, step, inputs)
        found.append((of_one, one))
        if one.drawing is not None:
            check_patterns_written(entry.number, one.drawing, evidence.storage, archives)
    _check_whole(evidence, [of_one for of_one, _ in found], archives)
    union = Check("union", "all that is written, and what each plan says was before", "figures")
    _check_union(evidence, found, union)
    checks = [check for _, each in found for check in each.checks]
    names = dict.fromkeys(check.name for check in checks)
    together = (_together([check for check in checks if check.name == name]) for name in names)
    return (*together, archives, union)


def _evidence_of(
    evidence: Evidence,
    entry: GenerationEvidence,
    before: Sequence[tuple[Evidence, Verified]],
    check: Check,
) -> Evidence:
    """What is on file of a generation, held against its record, and that against the manifest."""
    storage, folder = evidence.storage, paths.generation(entry.number)
    own = _OfGeneration(storage.url, storage.options, storage.labels, folder)
    content = storage.read(f"{folder}/{paths.GENERATION}")
    check.expect(
        _digest(content) == entry.record,
        f"{folder}/{paths.GENERATION} is not the record that manifest.json names",
    )
    record = _parsed(GenerationRecord, content, f"{folder}/{paths.GENERATION}")
    for name, said in record.files.items():
        there = storage.find(f"{folder}/{name}")
        check.expect(
            there is not None and (len(there), _digest(there)) == (said.size, said.digest),
            f"{folder}/{name} is not the file that its record vouches for",
        )
    solved = own.read(paths.PLAN)
    plan = _parsed(PlanEvidence, solved, own.path(paths.PLAN))
    part = _parsed(ManifestEvidence, own.read(paths.MANIFEST), own.path(paths.MANIFEST))
    of_record = (record.number, record.plan, record.written, record.shards, len(record.inputs))
    of_entry = (entry.number, entry.plan, entry.written, entry.shards, entry.input_shards)
    check.expect(
        of_record == of_entry and part.plan == entry.plan,
        f"generation {entry.number} is other in its record than in manifest.json",
    )
    check.expect(
        [one.shard for one in record.inputs] == [one.shard for one in part.inputs],
        f"generation {entry.number} is of other input shards than its part of the manifest",
    )
    check.expect(
        (entry.samples, entry.kept, entry.written) == _sums(part, "in", "kept", "written"),
        f"manifest.json counts other samples of generation {entry.number} than its part does",
    )
    check.expect(
        entry.measures == part.measures,
        f"manifest.json has other measures of generation {entry.number} than its part has",
    )
    earlier = tuple(shard.shard for one, _ in before for shard in one.manifest.inputs)
    plans = tuple(one.manifest.plan for one, _ in before)
    found = replace(
        evidence,
        storage=own,
        document=json_in(solved),
        plan=plan,
        written=part,
        whole=evidence.manifest,
        before=plans,
        earlier=earlier,
    )
    check_place(record, found, sum(len(one.manifest.shards) for one, _ in before), check)
    return found


def _check_whole(evidence: Evidence, generations: Sequence[Evidence], check: Check) -> None:
    """Compare the manifest with the generations' parts of it, end to end."""
    whole, parts = evidence.manifest, [one.manifest for one in generations]
    check.expect(
        [shard for part in parts for shard in part.shards] == whole.shards,
        "manifest.json lists other output shards than its generations, one after another",
    )
    check.expect(
        [entry for part in parts for entry in part.inputs] == whole.inputs,
        "manifest.json lists other input shards than its generations, one after another",
    )
    sums = tuple(sum(numbers) for numbers in zip(*(_sums(p, *_TOTALS) for p in parts), strict=True))
    check.expect(
        sums == _sums(whole, *_TOTALS), "totals of manifest.json are not those of its generations"
    )
    check.expect(
        whole.plan == parts[-1].plan and evidence.document == generations[-1].document,
        f"{paths.PLAN} is not the plan of the last generation",
    )
    check_plan_files(evidence.storage, generations[-1].storage, check)
    check.found = counted(len(parts), "generation")


def _check_union(
    evidence: Evidence, found: Sequence[tuple[Evidence, Verified]], check: Check
) -> None:
    """Measure all that is written, and compare what each plan says was written before it."""
    if any(one.drawing is None for _, one in found):
        check.skip("what the output shards hold was not read, or not of all, and this needs all")
        return
    last = found[-1][1].stated
    total = _restated(BiasTally.empty(last), last)
    for of_one, one in found:
        if of_one.plan.calibration != evidence.plan.calibration:
            check.skip("generations are corrected by different calibrations")
            return
        before = _restated(total, one.stated)
        check_written(of_one.plan, one.said, before, one.predicted, check)
        if one.drawing is not None:
            total = _restated(total.plus(one.drawing.after), last)
    check_figures(total, evidence.manifest.measures, "after", check)
    shown = dict[str, int]()
    for _, one in found:
        for group, copies in (one.drawing.groups.shown if one.drawing else {}).items():
            shown[group] = shown.get(group, 0) + copies
    check.expect(
        evidence.manifest.groups in (None, shown),
        f"groups of manifest.json are {evidence.manifest.groups}, and {shown} show them",
    )
    across = Check("keys", "", "samples")
    hashes = {shard: keys for _, one in found for shard, keys in one.hashes.items()}
    check_across(evidence, hashes, across)
    if across.differences:
        check.differ(across.where)
    check.found = f"{total.total:,.0f} samples written"


def _restated(tally: BiasTally, stated: Stated) -> BiasTally:
    """The same sums, beside the targets of another plan of the same names."""
    return replace(tally, stated=stated)


def _together(checks: Sequence[Check]) -> Check:
    """One check of those that were made of generations, in their order."""
    last = checks[-1]
    different = [(number, one) for number, one in enumerate(checks) if one.differences]
    return Check(
        last.name,
        last.question,
        last.unit,
        sum(one.checked for one in checks),
        sum(one.differences for one in checks),
        next((f"generation {number}: {one.where}" for number, one in different), ""),
        next((one.skipped for one in checks if one.skipped), ""),
        last.found,
    )


def _sums(manifest: ManifestEvidence, *names: str) -> tuple[int, ...]:
    return tuple(manifest.totals[name] for name in names)


def _digest(content: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(content)


def _parsed(model: type[_Model], content: bytes, where: str) -> _Model:
    try:
        return model.model_validate(json_in(content))
    except (ValueError, ValidationError) as error:
        raise FairshardError(f"{where} cannot be read: {error}") from error
