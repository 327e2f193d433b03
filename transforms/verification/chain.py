"""The chain of records: input shards, labels, plan, output shards, each by its digests."""

import json
from typing import Any

import fsspec
import xxhash

from transforms.verification.checks import Check
from transforms.verification.evidence import Evidence

_SOLVED = ("problem", "attributes", "labels", "written", "mu", "constraints")


def check_chain(evidence: Evidence, check: Check) -> None:
    """Compare the plan's fingerprint and identity, and the output's records, with the manifest."""
    plan, manifest = evidence.plan, evidence.written
    records = evidence.records.values()
    parts: dict[str, Any] = {
        "inputs": [[r.shard.name, r.shard.bytes, r.shard.version] for r in records],
        "labels": [[r.shard.name, r.table_digest] for r in records],
    }
    config = evidence.document["config"]
    parts |= {f"config.{section}": values for section, values in config.items()}
    if evidence.before:
        parts["written"] = list(evidence.before)
    for part, said in plan.fingerprint.items():
        content = json.dumps(parts.get(part), sort_keys=True).encode()
        if part == "calibration":
            try:
                content = fsspec.open(str(config.get("calibration"))).open().read()
            except (OSError, ValueError) as error:
                check.skip(f"the calibration that the plan was made with cannot be read: {error}")
                continue
        found = _digest(content)
        check.expect(
            said == found,
            f"the plan's fingerprint of {part} is {said}, of what lies in the output it is {found}",
        )
    if manifest is None:
        return
    solved = {part: evidence.document[part] for part in _SOLVED if part in evidence.document}
    flips = [plan.draw.flips.digest] if plan.draw and plan.draw.flips else []
    identity = _digest(json.dumps([sorted(plan.fingerprint.items()), solved, *flips]).encode())
    check.expect(
        identity == manifest.plan,
        f"plan.json has the identity {identity}, and the output was written for {manifest.plan}",
    )
    for shard in manifest.shards:
        record = evidence.output_record(shard)
        said_of = (shard.samples, shard.bytes, shard.sha256, shard.origins, shard.table)
        recorded = (record.samples, record.bytes, record.sha256, record.origins, record.table)
        check.expect(
            said_of == recorded,
            f"manifest.json says of {shard.name} other than its completion record does",
        )


def _digest(content: bytes) -> str:
    return xxhash.xxh3_128_hexdigest(content)
