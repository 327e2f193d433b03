"""Ways in which a file of an output may be damaged."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Damage = Callable[[Path], None]


def _content(content: bytes) -> Damage:
    return lambda path: _put(path, content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _values(change: Callable[[Any], Any]) -> Damage:
    """Every value in a JSON file, changed."""

    def damage(path: Path) -> None:
        values = json.loads(path.read_bytes())
        path.write_text(json.dumps({key: change(value) for key, value in values.items()}))

    return damage


def _leaves(change: Callable[[Any], Any]) -> Damage:
    """Every value in a JSON file that holds no other, changed."""

    def changed(value: Any) -> Any:
        match value:
            case dict():
                return {key: changed(inner) for key, inner in value.items()}
            case list():
                return [changed(inner) for inner in value]
            case _:
                return change(value)

    def damage(path: Path) -> None:
        path.write_text(json.dumps(changed(json.loads(path.read_bytes()))))

    return damage


def _negative(value: Any) -> Any:
    return -abs(value) - 1 if isinstance(value, int | float) else value


def _number(value: Any) -> Any:
    return float("nan") if isinstance(value, int | float) else value


def _added(text: bytes) -> Damage:
    """A key before all others of a JSON file's, whose value is `text`."""

    def damage(path: Path) -> None:
        path.write_bytes(path.read_bytes().replace(b"{", b'{"added": ' + text + b",", 1))

    return damage


JSON: dict[str, Damage] = {
    "empty": _content(b""),
    "cut": _cut,
    "null": _content(b"null"),
    "list": _content(b"[]"),
    "text": _content(b'"text"'),
    "no keys": _content(b"{}"),
    "deep": _content(b"[" * 100_000),
    "deep value": _added(b"[" * 100_000 + b"]" * 100_000),
    "long number": _added(b"9" * 5000),
    "surrogate": _added(rb'"\ud800"'),
    "not UTF-8": _content(b'{"run": "\xff"}'),
    "mark": lambda path: _put(path, b"\xef\xbb\xbf" + path.read_bytes()),
    "twice": lambda path: _put(path, path.read_bytes() * 2),
    "nulls": _values(lambda _: None),
    "numbers": _values(lambda _: 7),
    "texts": _values(lambda _: "text"),
    "lists": _values(lambda _: [[]]),
    "objects": _values(lambda _: {"a": {"b": 1}}),
    "null leaves": _leaves(lambda _: None),
    "text leaves": _leaves(lambda _: "\x00é"),
    "negative": _leaves(_negative),
    "not finite": _leaves(_number),
    "huge": _leaves(lambda value: 10**400 if isinstance(value, int | float) else value),
    "folder": _folder,
}


def _rewritten(change: Callable[[pa.Table], pa.Table]) -> Damage:
    def damage(path: Path) -> None:
        sink = io.BytesIO()
        pq.write_table(change(pq.read_table(path)), sink)
        path.write_bytes(sink.getvalue())

    return damage


def _cast(table: pa.Table) -> pa.Table:
    values = [str(number) for number in range(table.num_rows)]
    return pa.table({name: pa.array(values) for name in table.column_names})


def _nulls(table: pa.Table) -> pa.Table:
    return pa.table({f.name: pa.nulls(table.num_rows, f.type) for f in table.schema})


def _less(table: pa.Table) -> pa.Table:
    """Each column of numbers, negative and smaller by one."""
    columns = {}
    for f in table.schema:
        column = table.column(f.name)
        if pa.types.is_integer(f.type) or pa.types.is_floating(f.type):
            column = pa.array([-abs(value) - 1 for value in column.to_pylist()], f.type)
        columns[f.name] = column
    return pa.table(columns)


TABLE: dict[str, Damage] = {
    "empty": _content(b""),
    "cut": _cut,
    "magic": _content(b"PAR1PAR1"),
    "text": _content(b"PAR1 is not what this is"),
    "no rows": _rewritten(lambda table: table.slice(0, 0)),
    "half of the rows": _rewritten(lambda table: table.slice(0, table.num_rows // 2)),
    "no columns": _rewritten(lambda table: table.select([])),
    "other columns": _rewritten(
        lambda table: table.rename_columns([f"x{n}" for n in range(table.num_columns)])
    ),
    "texts": _rewritten(_cast),
    "nulls": _rewritten(_nulls),
    "negative": _rewritten(_less),
    "folder": _folder,
}


def damages_of(name: str) -> dict[str, Damage]:
    """The ways in which the file `name` may be damaged."""
    return TABLE if name.endswith(".parquet") else JSON


def restore(folder: Path, pristine: Path) -> None:
    """Make `folder` what `pristine` is, times included."""
    shutil.rmtree(folder)
    shutil.copytree(pristine, folder)
