"""An export format: the keys of the samples that are kept, a line each, a text per input shard."""

import json
from dataclasses import dataclass

from transforms.exports.exported import Exported
from transforms.exports.outcome import ExportOutcome
from transforms.exports.parts import Group, by_groups, made_from
from transforms.exports.target import Target


@dataclass(frozen=True)
class KeptKeys:
    """Writes JSON lines: the key of each sample that is kept, and how often."""

    name: str = "kept-keys"
    about: str = "JSON lines, a file per input shard: the keys that are kept, and how often"
    needs_shards: bool = False
    place: str = "exports/kept-keys"

    def export(self, exported: Exported, target: Target) -> ExportOutcome:
        """Write the files of the shards that are not written yet."""
        plan, records = exported.plan.identity, exported.records
        files = {f"{one.shard.name}.jsonl": made_from(plan, [one]) for one in records}
        missing = target.begin(files)

        def write(group: Group) -> None:
            for record in group:
                name = f"{record.shard.name}.jsonl"
                if name in missing:
                    rows = (row for table in exported.rows(record) for row in table.to_pylist())
                    kept = [(row["key"], row["copies"]) for row in rows if row["copies"]]
                    lines = (json.dumps({"key": key, "copies": copies}) for key, copies in kept)
                    content = "".join(f"{line}\n" for line in lines).encode()
                    target.write(name, content, files[name], {"samples": len(kept)})

        by_groups(write, [(record,) for record in records], target)
        target.settle(files)
        samples = sum(record.counts["samples"] for record in target.made.values())
        return ExportOutcome({"samples": samples}, ("read them with any JSON parser",))


KEPT_KEYS = KeptKeys()
