"""Ways to change a finished output, for tests that look whether it is noticed."""

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.naming import label_table

Json = dict[str, Any]
Range = tuple[int, int]
END = bytes(1024)


def edit_json(path: Path, change: Callable[[Json], None]) -> None:
    """Change a JSON file."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def edit_table(path: Path, column: str, change: Callable[[list[Any]], None]) -> None:
    """Change a column of a Parquet file."""
    table = pq.read_table(path)
    values = table.column(column).to_pylist()
    change(values)
    place = table.schema.get_field_index(column)
    edited = pa.array(values, table.schema.field(column).type)
    pq.write_table(table.set_column(place, table.schema.field(column), edited), path)


def ranges(shard: Path) -> list[Range]:
    """Where each sample of a tar lies, headers included."""
    found: dict[str, Range] = {}
    with tarfile.open(shard) as archive:
        for member in archive:
            key = member.name.split(".")[0]
            end = member.offset_data + -(-member.size // 512) * 512
            found[key] = (found.get(key, (member.offset, 0))[0], end)
    return list(found.values())


def edit_samples(out: Path, number: int, change: Callable[[list[bytes]], None]) -> None:
    """Change the list of an output shard's samples; its size and sha256 are made to fit."""
    shard = out / "shards" / f"{number:05d}.tar"
    content = shard.read_bytes()
    samples = [content[start:end] for start, end in ranges(shard)]
    change(samples)
    shard.write_bytes(b"".join(samples) + END)
    fit_digests(out, number)


def fit_digests(out: Path, number: int) -> None:
    """Let manifest and record say the size and sha256 that an output shard has now."""
    content = (out / "shards" / f"{number:05d}.tar").read_bytes()
    digests = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def in_manifest(manifest: Json) -> None:
        manifest["shards"][number].update(digests)
        manifest["totals"]["bytes"] = sum(shard["bytes"] for shard in manifest["shards"])

    edit_json(out / "manifest.json", in_manifest)
    edit_json(out / "done" / "shards" / f"{number:05d}.json", lambda record: record.update(digests))


def hide_a_loss(out: Path, number: int) -> None:
    """Let manifest and record say that one sample fewer was taken for an output shard."""

    def fewer(entry: Json) -> None:
        entry["samples"] -= 1
        entry["origins"][0]["samples"] -= 1
        entry["origins"][0]["kept"] -= 1

    def in_manifest(manifest: Json) -> None:
        fewer(manifest["shards"][number])
        name = manifest["shards"][number]["origins"][0]["shard"]
        (row,) = [row for row in manifest["inputs"] if row["shard"] == name]
        for counts in (row, manifest["totals"]):
            counts["kept"] -= 1
            counts["dropped"] += 1
        manifest["totals"]["written"] -= 1

    edit_json(out / "manifest.json", in_manifest)
    edit_json(out / "done" / "shards" / f"{number:05d}.json", fewer)


def constraint(document: Json) -> Json:
    """A constraint of a plan that has a price."""
    row: Json = next(row for row in document["constraints"] if row["price"] > 0)
    return row


def in_plan(change: Callable[[Json], None]) -> Callable[[Path], None]:
    return lambda out: edit_json(out / "plan" / "plan.json", change)


def in_manifest(change: Callable[[Json], None]) -> Callable[[Path], None]:
    return lambda out: edit_json(out / "manifest.json", change)


def in_patterns(column: str, change: Callable[[list[Any]], None]) -> Callable[[Path], None]:
    return lambda out: edit_table(out / "plan" / "patterns.parquet", column, change)


def in_samples(change: Callable[[list[bytes]], None]) -> Callable[[Path], None]:
    return lambda out: edit_samples(out, 1, change)


def bumped(*keys: str | int, by: float = 1) -> Callable[[Any], None]:
    """Add to a number, deep in a document."""

    def change(values: Any) -> None:
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] += by

    return change


def swapped(values: list[Any]) -> None:
    values[3], values[4] = values[4], values[3]


def flipped(out: Path, digests_too: bool = False) -> None:
    shard = out / "shards" / "00001.tar"
    content = bytearray(shard.read_bytes())
    content[ranges(shard)[2][0] + 600] ^= 1
    shard.write_bytes(content)
    if digests_too:
        fit_digests(out, 1)


def lost(out: Path) -> None:
    edit_samples(out, 1, lambda samples: samples.pop(0))
    hide_a_loss(out, 1)


def stricter(document: Json) -> None:
    """Let a plan claim that a lower association bias was asked for, and is met."""
    document["config"]["balance"]["max_association_bias"] = 0.05
    for row in document["constraints"]:
        if row["kind"] == "association":
            row["tolerance"] = 0.05


def foreign(out: Path) -> None:
    taken: list[bytes] = []
    edit_samples(out, 0, lambda samples: taken.append(samples[0]))
    last = len(list((out / "shards").glob("*.tar"))) - 1
    edit_samples(out, last, lambda samples: samples.extend(taken))


def relabelled(out: Path) -> None:
    edit_table(label_table(out, "00001"), "y.thing.tie", lambda values: flip(values, 7))


def flip(values: list[bool], place: int) -> None:
    values[place] = not values[place]


def cut(out: Path) -> None:
    shard = out / "shards" / "00001.tar"
    shard.write_bytes(shard.read_bytes()[:-700])


def without_an_end(out: Path) -> None:
    shard = out / "shards" / "00001.tar"
    shard.write_bytes(shard.read_bytes()[:-1024])
    fit_digests(out, 1)


TAMPERING: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a price": (in_plan(lambda d: constraint(d).update(price=1.0)), "weights", "prices give"),
    "a tiny price": (
        in_plan(lambda d: constraint(d).update(price=constraint(d)["price"] * (1 + 1e-9))),
        "weights",
        "q of the pattern (s.gender",
    ),
    "a price, for the chain": (in_plan(bumped("mu", by=1e-6)), "records", "the identity"),
    "a negative price": (
        in_plan(lambda d: constraint(d).update(price=-1.0)),
        "certificate",
        "is not in [0, V]",
    ),
    "primal": (in_plan(bumped("certificate", "primal", by=1e-7)), "certificate", "certificate.pri"),
    "gap": (in_plan(bumped("certificate", "gap", by=1e-6)), "certificate", "certificate.gap is"),
    "slack": (in_plan(bumped("constraints", 0, "slack", by=1e-6)), "certificate", "from above: sl"),
    "a bound": (in_plan(bumped("constraints", 0, "tolerance")), "what was asked", "0.01 was asked"),
    "a target": (
        in_plan(bumped("attributes", 0, "target", by=0.1)),
        "what was asked",
        "the target",
    ),
    "eta": (in_plan(bumped("problem", "eta", by=0.1)), "what was asked", "0.5 was asked"),
    "what was asked": (
        in_plan(bumped("config", "balance", "max_association_bias", by=-0.01)),
        "what was asked",
        "0.09 was asked",
    ),
    "a bound that is not met": (
        in_plan(stricter),
        "what was asked",
        "under the plan, 0.05 was asked, and the plan does not say",
    ),
    "configuration": (in_plan(bumped("config", "seed")), "records", "fingerprint of config.seed"),
    "predicted bias": (
        in_plan(bumped("measures", "predicted", "RB", 0, by=1e-6)),
        "bias predicted",
        "predicted.RB of gender.woman is",
    ),
    "labelled": (in_plan(bumped("samples", "labelled")), "patterns", "plan.json says samples"),
    "a count": (in_patterns("count", bumped(3)), "patterns", "count of the pattern ("),
    "a utility": (in_patterns("utility_sum", bumped(3)), "patterns", "utility_sum of the pattern"),
    "a pattern": (in_patterns("pattern", swapped), "patterns", "of the pattern ("),
    "a q": (in_patterns("q", bumped(3, by=1e-9)), "weights", "is listed as"),
    "a q below 0": (in_patterns("q", bumped(3, by=-1)), "weights", "which is not between 0"),
    "a flipped byte": (flipped, "shards", "00001.tar has 40 samples, "),
    "a flipped byte, hidden": (
        lambda out: flipped(out, digests_too=True),
        "payloads",
        "of shards/00001.tar, from 0000",
    ),
    "swapped samples": (in_samples(swapped), "order", "comes after later samples of 0000"),
    "a lost sample": (in_samples(lambda samples: samples.pop(5)), "shards", "has 39 samples"),
    "a lost sample, counted": (
        in_samples(lambda samples: samples.pop(5)),
        "conservation",
        "labels, rejects and output have",
    ),
    "lost samples": (
        in_samples(lambda samples: samples.__delitem__(slice(0, None, 2))),
        "draw",
        "the pattern (s.gender",
    ),
    "a lost sample, hidden": (lost, "draw", "came 0 times, systematic sampling draws it 1"),
    "a doubled sample": (
        in_samples(lambda samples: samples.insert(5, samples[5])),
        "keys",
        "is tw",
    ),
    "a foreign sample": (foreign, "order", "is no sample of 00002"),
    "a truncated shard": (cut, "shards", "does not end as a tar must"),
    "no end of archive": (without_an_end, "shards", "does not end as a tar must"),
    "a missing shard": (lambda out: (out / "shards/00000.tar").unlink(), "shards", "0.tar is miss"),
    "a shard too many": (
        lambda out: (out / "shards/00009.tar").write_bytes(b""),
        "shards",
        "is in the output, and not in manifest.json",
    ),
    "labels": (relabelled, "labels", ".parquet and its rejects are not what was recorded"),
    "labels, counted": (relabelled, "patterns", "of the pattern ("),
    "a total": (in_manifest(bumped("totals", "kept")), "conservation", "totals.kept is"),
    "conservation": (
        in_manifest(bumped("inputs", 0, "dropped")),
        "conservation",
        ": in = 100 is not kept + dropped + rejected",
    ),
    "an origin": (
        in_manifest(bumped("shards", 0, "origins", 0, "kept")),
        "conservation",
        "the output shards took",
    ),
    "a sha256": (
        in_manifest(lambda m: m["shards"][0].update(sha256="0" * 64)),
        "records",
        "says of shards/00000.tar other than its completion record",
    ),
    "bias after": (
        in_manifest(bumped("measures", "AB", 0, 0, by=1e-6)),
        "bias after",
        "after.AB of gender.woman and thing.doctor is",
    ),
}
