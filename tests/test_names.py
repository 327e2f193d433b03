"""A name is one thing's: no two public classes share one."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.loading import PACKAGES, ROOT, planted


def shared_names(root: Path) -> Iterator[str]:
    """The public classes of the packages in `root` that share their name, with their modules."""
    found: dict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(path.relative_to(root)))
    return (f"{name}: {', '.join(paths)}" for name, paths in found.items() if len(paths) > 1)


def test_no_two_classes_share_a_name() -> None:
    assert list(shared_names(ROOT)) == []


def test_a_planted_one_is_seen(tmp_path: Path) -> None:
    root = planted(tmp_path, "transforms.labels.rows", "class Plan: ...")
    assert list(shared_names(root)) == ["Plan: transforms/labels/rows.py, transforms/plan/plan.py"]
