"""Where artefacts are is spelled in one module: everything else asks it."""

import ast
import inspect
import re
from collections.abc import Iterator

import pytest

from tests.loading import ROOT
from transforms.storage import paths
from transforms.storage.files import Storage

APART = (
    "transforms/storage/paths.py",
    "transforms/verification/",  # shares nothing with what it verifies
    "jobs/begin/",  # draws corpora, which are input
)
FIXED = {value for name, value in vars(paths).items() if name.isupper() and isinstance(value, str)}
FILES = {name for path in FIXED if "." in path for name in (path, path.rpartition("/")[2])}
FOLDERS = {folder.partition("/")[0] for folder in paths.FOLDERS} - {"."}
SPELLED = re.compile(
    rf"(\{{\}}/)?({'|'.join(sorted(FOLDERS))})/\S*"  # below a folder of an output
    r"|(\S+/)?\{\}\.(json|parquet|tar)"  # named after a shard
)
GIVEN_NAMES = {
    name
    for name, method in inspect.getmembers(Storage, inspect.isfunction)
    if {"name", "folder"} & inspect.signature(method).parameters.keys()
}


def paths_in(source: str) -> list[str]:
    """The paths that a module spells; what has a space in it is a sentence for people.

    Bare names of folders are words as well: they are paths where a storage is given them.
    """
    found = [text for text in _strings(source) if SPELLED.fullmatch(text) or text in FILES]
    return [*found, *(text for text in _given_to_storages(source) if text in FOLDERS)]


def _strings(source: str) -> Iterator[str]:
    """All strings but docstrings, with {} for values that are put into them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr | ast.JoinedStr):
            continue
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner.value
            if isinstance(inner, ast.JoinedStr):
                yield "".join(map(_text, inner.values))


def _text(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "{}"


def _given_to_storages(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _asks_a_storage(node.func):
            given = (arg.value for arg in node.args if isinstance(arg, ast.Constant))
            yield from (text for text in given if isinstance(text, str))


def _asks_a_storage(called: ast.expr) -> bool:
    method = called.attr if isinstance(called, ast.Attribute) else ""
    return method in GIVEN_NAMES or ast.unparse(called) == "Inventory.of"


def test_no_other_module_spells_a_path() -> None:
    modules = (
        path
        for package in ("transforms", "pipelines", "jobs")
        for path in sorted((ROOT / package).rglob("*.py"))
        if not path.relative_to(ROOT).as_posix().startswith(APART)
    )
    found = {str(module): paths_in(module.read_text(encoding="utf-8")) for module in modules}
    assert len(found) > 200
    assert {module: spelled for module, spelled in found.items() if spelled} == {}


@pytest.mark.parametrize(
    ("planted", "spelled"),
    [
        ('storage.read("done/labels/a.json")', ["done/labels/a.json"]),
        ('storage.read(f"labels/{shard}.parquet")', ["labels/{}.parquet"]),
        ('path = f"{root}/shards/{number:05d}.tar"', ["{}/shards/{}.tar"]),
        ('record = f"{shard}.json"', ["{}.json"]),
        ('FOLDER = {"label": "attempts/label"}', ["attempts/label"]),
        ('storage.exists("manifest.json")', ["manifest.json"]),
        ('name == "plan.json"', ["plan.json"]),
        ('self.storage.names("shards")', ["shards"]),
        ('Inventory.of(storage, "labels", "rejects")', ["labels", "rejects"]),
        ('"""Writes labels/<shard>.parquet."""', []),
        ('raise Error(f"see rejects/{shard}.parquet in the output")', []),
        ('document["shards"] = {"labels": "plan"}', []),
        ('url.endswith((".tar", ".parquet"))', []),
    ],
)
def test_what_is_planted_is_seen(planted: str, spelled: list[str]) -> None:
    assert paths_in(planted) == spelled
