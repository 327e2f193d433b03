"""Outputs whose plan flips samples: the draw is derived with the flips, and figures are held to."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from tests.fixtures import config_of, write_corpus
from tests.hand_drawn import hand_drawn
from tests.tampering import Json, bumped, edit_json, edit_table, in_plan
from transforms.storage.files import Storage
from transforms.verification.checks import Check
from transforms.verification.evidence import read_evidence
from transforms.verification.verifying import verify

BALANCE = {
    "eta": 0.5,
    "max_representation_bias": 0.01,
    "max_association_bias": 0.1,
    "max_label_skew": 0.2,
}
SHARES = {
    "thing": {"field": "words", "names": {"doctor": {}, "nurse": {"at_most": 0.16}, "tie": {}}}
}
Flips = list[tuple[str, int]]


def checks_of(out: Path, sample: int | None = None) -> dict[str, Check]:
    checks = verify(read_evidence(Storage(str(out)), {}), sample, lambda *step: None)
    return {check.name: check for check in checks}


def differing(out: Path) -> dict[str, str]:
    return {name: c.remark for name, c in checks_of(out).items() if c.result == "differs"}


def drawn(folder: Path, every: int, **changes: Any) -> Path:
    write_corpus(folder, samples=300)
    hand_drawn(config_of(folder, **{"balance": BALANCE, **changes}), every)
    return folder / "out"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output with flips in every shard, not to be changed."""
    return drawn(tmp_path_factory.mktemp("clean"), 9)


@pytest.fixture
def out(clean: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clean, tmp_path / "copy"))


def flips_of(out: Path) -> Flips:
    rows = pq.read_table(out / "plan" / "flips.parquet").to_pylist()
    return [(row["shard"], row["row"]) for row in rows]


def in_flips(change: Callable[[Flips], None], vouched: bool = True) -> Callable[[Path], None]:
    """Change the flips; plan.json, and manifest.json, are made to fit them."""

    def tamper(out: Path) -> None:
        flips = flips_of(out)
        change(flips)
        path = out / "plan" / "flips.parquet"
        shards, rows = zip(*flips, strict=True)
        pq.write_table(pa.table({"shard": shards, "row": pa.array(rows, pa.int64())}), path)
        if vouched:
            vouch(out, len(flips))

    return tamper


def vouch(out: Path, count: int) -> None:
    """Let plan.json vouch for the flips that there are, and manifest.json for that plan."""
    content = (out / "plan" / "flips.parquet").read_bytes()
    digest = xxhash.xxh3_128_hexdigest(content)

    def vouching(plan: Json) -> None:
        plan["draw"]["flips"] = {"count": count, "bytes": len(content), "digest": digest}

    edit_json(out / "plan" / "plan.json", vouching)
    plan = json.loads((out / "plan" / "plan.json").read_text())
    parts = ("problem", "attributes", "labels", "mu", "constraints")
    solved = [sorted(plan["fingerprint"].items()), {part: plan[part] for part in parts}]
    identity = xxhash.xxh3_128_hexdigest(json.dumps([*solved, digest]).encode())
    edit_json(out / "manifest.json", lambda manifest: manifest.update(plan=identity))


def unflipped(flips: Flips) -> tuple[str, int]:
    """A row of the first shard that is not flipped."""
    shard = flips[0][0]
    rows = {row for name, row in flips if name == shard}
    return shard, next(row for row in range(100) if row not in rows)


def moved(flips: Flips) -> None:
    flips[0] = unflipped(flips)


def elsewhere(flips: Flips) -> None:
    flips[0] = (flips[-1][0], flips[0][1] + 1)


def other_columns(out: Path) -> None:
    pq.write_table(pa.table({"shard": ["00000"]}), out / "plan" / "flips.parquet")
    vouch(out, 1)


def nulls(out: Path) -> None:
    row = pa.array([None], pa.int64())
    pq.write_table(pa.table({"shard": ["00000"], "row": row}), out / "plan" / "flips.parquet")
    vouch(out, 1)


def in_draw(out: Path, column: str, change: Callable[[list[Any]], None]) -> None:
    """Change what shards give; plan.json is made to fit it."""
    path = out / "plan" / "draw.parquet"
    edit_table(path, column, change)
    content = path.read_bytes()
    said = {"bytes": len(content), "digest": xxhash.xxh3_128_hexdigest(content)}
    edit_json(out / "plan" / "plan.json", lambda plan: plan["draw"]["shards"].update(said))


TAMPERING: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a flip removed": (in_flips(lambda f: f.pop(3)), "draw", "systematic sampling draws it"),
    "a flip added": (in_flips(lambda f: f.append(unflipped(f))), "draw", "00000--"),
    "a flip in another row": (in_flips(moved), "draw", "from 00000--"),
    "a flip in another shard": (in_flips(elsewhere), "draw", "systematic sampling"),
    "a flip twice": (in_flips(lambda f: f.append(f[0])), "draw", "flips a row of 00000--"),
    "a flip of a row that there is not": (
        in_flips(lambda f: f.append((f[0][0], 100))),
        "draw",
        "flips row 100 of 00000--",
    ),
    "a flip below all rows": (
        in_flips(lambda f: f.append((f[0][0], -1))),
        "draw",
        "flips row -1 of 00000--",
    ),
    "a flip of a shard that there is not": (
        in_flips(lambda f: f.append(("x", 1))),
        "draw",
        "flips a row of 'x', which is no shard of the input",
    ),
    "flips that are not vouched for": (
        in_flips(lambda f: f.pop(), vouched=False),
        "draw",
        "plan.json vouches for",
    ),
    "flips that are not vouched for, for the chain": (
        in_plan(lambda d: d["draw"]["flips"].update(digest="0" * 32)),
        "records",
        "the identity",
    ),
    "how many flips": (in_plan(bumped("draw", "flips", "count")), "draw", "plan.json says"),
    "no flips": (
        lambda out: (out / "plan" / "flips.parquet").unlink(),
        "draw",
        "plan/flips.parquet is missing, and plan.json vouches for it",
    ),
    "flips that nothing vouches for": (
        in_plan(lambda d: d["draw"].update(flips=None)),
        "draw",
        "plan/flips.parquet is there, and plan.json vouches for none",
    ),
    "a plan without a draw": (
        in_plan(lambda d: d.update(draw=None)),
        "draw",
        "plan/flips.parquet is there, and plan.json vouches for none",
    ),
    "flips in another form": (other_columns, "draw", "does not hold shard and row"),
    "flips without a row": (nulls, "draw", "does not hold shard and row"),
    "flips that are no table": (
        lambda out: (out / "plan" / "flips.parquet").write_bytes(b"PAR1"),
        "draw",
        "plan/flips.parquet has 4 bytes",
    ),
    "what a shard gives": (
        lambda out: edit_table(out / "plan" / "draw.parquet", "kept", bumped(1)),
        "draw",
        "plan/draw.parquet has",
    ),
    "what a shard gives, vouched for": (
        lambda out: in_draw(out, "kept", bumped(1)),
        "draw",
        "plan/draw.parquet says that samples, kept, units, largest, last of 00001--",
    ),
    "a shard, of what shards give": (
        lambda out: in_draw(out, "shard", lambda names: names.__setitem__(0, "x")),
        "draw",
        "plan/draw.parquet does not list '00000--",
    ),
    "what shards give": (
        lambda out: (out / "plan" / "draw.parquet").unlink(),
        "draw",
        "plan/draw.parquet is missing, and plan.json vouches for it",
    ),
    "copies": (in_plan(bumped("draw", "copies")), "as drawn", "draw.copies is"),
    "kept": (in_plan(bumped("draw", "kept")), "as drawn", "draw.kept is"),
    "a measure": (
        in_plan(bumped("draw", "measures", "AB", 0, 0, by=1e-6)),
        "as drawn",
        "draw.measures.AB of gender.woman and thing.doctor is",
    ),
    "too large an excess": (
        in_plan(bumped("draw", "excess", by=1e-6)),
        "as drawn",
        "draw.excess is",
    ),
    "no excess": (
        in_plan(lambda d: d["draw"].update(excess=0.0)),
        "as drawn",
        "beyond what was asked, of the samples drawn, and plan.json says that they meet everything",
    ),
}


@pytest.mark.parametrize(
    ("every", "changes"),
    [
        (9, {}),
        (6, {"balance": {"eta": 1.3, "Q": 3.0}}),
        (5, {"labels": SHARES}),
        (7, {"utility": {"field": "quality"}}),
        (0, {}),
        (9, {"output": {"url": "out", "bytes_per_shard": 20_000}}),
    ],
)
def test_what_is_flipped_agrees(tmp_path: Path, every: int, changes: dict[str, Any]) -> None:
    out = drawn(tmp_path, every, **changes)
    checks = checks_of(out)
    assert {check.result for check in checks.values()} == {"agrees"}, differing(out)
    assert ("flipped" in checks["draw"].remark) == bool(every)
    assert checks["as drawn"].checked > 0


@pytest.mark.parametrize("changed", TAMPERING)
def test_what_is_changed_is_noticed_and_named(out: Path, changed: str) -> None:
    tamper, check, remark = TAMPERING[changed]
    assert not differing(out)
    tamper(out)
    found = differing(out)
    assert remark in found.get(check, ""), found


def test_a_sample_of_whole_weight_cannot_be_flipped(tmp_path: Path) -> None:
    out = drawn(tmp_path, 9, balance={**BALANCE, "eta": 0.95})
    table = pq.read_table(out / "shards" / "00000.parquet")
    whole = next(row for row in table.to_pylist() if row["q"] == 1)
    labels = pq.read_table(out / "labels" / f"{whole['from.shard']}.parquet")
    row = labels.column("key").to_pylist().index(whole["from.key"])
    in_flips(lambda flips: flips.append((whole["from.shard"], row)))(out)
    assert f"flips {whole['from.key']!r} of 00000--" in differing(out)["draw"]
    assert "whose weight 1.000000 is a whole number" in differing(out)["draw"]


def test_bounds_on_shares_are_held_too(tmp_path: Path) -> None:
    alone = {"eta": 0.5, "max_representation_bias": None, "max_association_bias": None}
    out = drawn(tmp_path, 3, labels=SHARES, balance=alone)
    share = json.loads((out / "manifest.json").read_text())["measures"]["label_share"][1]
    assert share > 0.16
    name = "share of thing.nurse, from above"
    assert checks_of(out)["as drawn"].remark == f"largest excess {share - 0.16:.3g}: {name}"
    edit_json(out / "plan" / "plan.json", lambda d: d["draw"].update(excess=0.0))
    assert name in differing(out)["as drawn"]


def test_of_some_shards_what_is_drawn_is_not_known(out: Path) -> None:
    checks = checks_of(out, sample=1)
    assert checks["draw"].result == checks["as drawn"].result == "not checked"
    (out / "plan" / "flips.parquet").write_bytes(b"PAR1")
    assert "plan.json vouches for" in checks_of(out, sample=1)["draw"].remark
