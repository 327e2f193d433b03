"""One entry more in a section of a YAML text; all else stays as it is, comments included."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from transforms.base.errors import ConfigError
from transforms.config.yaml_text import as_yaml, values_in

_NEWLINE = re.compile(r"\r\n|\n|\r")
_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<comment>#?)[^\r\n]*(?:\r\n|\n|\r|\Z)")
_REST_OF_LINE = re.compile(r"[ \t]*(?P<comma>,?)[ \t]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
_INDENTS = range(2, 10)


@dataclass(frozen=True, slots=True)
class _Span:
    """A value in a text: where it begins and ends, at which column, and what it holds.

    opened: where what it holds begins. entries: of a mapping, keys and values. kind: `block`,
    `flow`, `scalar`, or `other` for what nothing can be put into.
    """

    kind: str
    start: int
    opened: int
    end: int
    column: int
    value: str = ""
    entries: tuple[tuple["_Span", "_Span"], ...] = ()


def with_entry(text: str, section: str, name: str, value: Mapping[str, Any], origin: str) -> str:
    """The YAML `text` whose `section`, a mapping at its top, has a last entry `name` more.

    What it holds is then what it held, and the entry: that is checked. Raises ConfigError where it
    cannot be written in so; `origin` names the text.
    """
    held = values_in(text, origin)
    new = _inserted(text, section, name, value)
    try:
        found = values_in(new, origin) if new is not None else None
    except ConfigError:
        found = None
    if new is None or found != {**held, section: {**(held.get(section) or {}), name: value}}:
        raise ConfigError(
            f"{origin} is left as it was: nothing can be added to `{section}` as it is written "
            "there (an alias, or another form than a mapping's): add it by hand"
        )
    return new


def _inserted(text: str, section: str, name: str, value: Mapping[str, Any]) -> str | None:
    """`text` with the entry; None where the section is of no form that takes one."""
    events: Iterator[Any] = yaml.parse(as_yaml(text), yaml.SafeLoader)
    root, end = _document(events, len(text))
    found = next((pair for pair in root.entries if pair[0].value == section), None)
    if found is None:
        whole = {section: {name: value}}
        return (
            _in_flow(text, root, whole)
            if root.kind == "flow"
            else _at(text, end, _block(text, whole, root.column, 2))
        )
    key, held = found
    entry = {name: value}
    if held.kind == "flow":
        return _in_flow(text, held, entry)
    if held.kind == "block":
        after = _after(text, held.end, held.column)
        return _at(text, after, _block(text, entry, held.column, held.column - root.column))
    if held.kind == "scalar" and held.value in _NOTHING:
        if root.kind == "flow":
            return f"{text[: held.start]} {json.dumps(entry)}{text[held.end :]}"
        emptied = text[: held.start] + text[held.end :]
        after = _after(emptied, held.start, key.column + 1)
        return _at(emptied, after, _block(text, entry, key.column + 2, 2))
    return None


def _document(events: Iterator[Any], length: int) -> tuple[_Span, int]:
    """The root of the document, and where its text ends."""
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            break
    root = _span(next(events), events)
    end = next(events)
    explicit = isinstance(end, yaml.DocumentEndEvent) and end.explicit
    return root, end.start_mark.index if explicit else length


def _span(event: Any, events: Iterator[Any]) -> _Span:
    """The value that begins with `event`."""
    start, opened, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
    if isinstance(event, yaml.ScalarEvent):
        kind = "other" if event.style or event.anchor or event.tag else "scalar"
        return _Span(kind, start, opened, opened, column, event.value)
    if not isinstance(event, yaml.CollectionStartEvent):
        return _Span("other", start, opened, opened, column)
    parts: list[_Span] = []
    while not _is_end(part := next(events)):
        parts.append(_span(part, events))
    end = part.end_mark.index if event.flow_style else parts[-1].end
    if not isinstance(event, yaml.MappingStartEvent):
        return _Span("other", start, opened, end, column)
    pairs = tuple(zip(parts[::2], parts[1::2], strict=True))
    kind, first = ("flow", column) if event.flow_style else ("block", parts[0].column)
    return _Span(kind, start, opened, end, first, "", pairs)


def _is_end(event: Any) -> bool:
    return isinstance(event, yaml.CollectionEndEvent)


def _after(text: str, end: int, column: int) -> int:
    """Where the lines of what ends at `end` are over, with comments that stand further in."""
    at = end
    if text[end - 1 : end] not in ("\n", "\r"):
        at = _line_at(text, end).end()
    seen = at
    while seen < len(text):
        line = _line_at(text, seen)
        blank = not line[0].strip()
        if not blank and not (line["comment"] and len(line["indent"]) > column):
            break
        seen = line.end()
        at = at if blank else seen
    return at


def _line_at(text: str, position: int) -> re.Match[str]:
    line = _LINE.match(text, position)
    assert line is not None
    return line


def _at(text: str, position: int, lines: str) -> str:
    """`text` with whole `lines` more at a position."""
    before = text[:position]
    joint = "" if not before or before[-1] in "\r\n" else _newline_of(text)
    return f"{before}{joint}{lines}{text[position:]}"


def _block(text: str, entry: Mapping[str, Any], column: int, step: int) -> str:
    """`entry` as lines of a block, `column` characters in, with the newlines of `text`."""
    dumped = yaml.safe_dump(
        dict(entry),
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        indent=step if step in _INDENTS else 2,
    )
    lines = [f"{' ' * column}{line}" for line in dumped.removesuffix("\n").split("\n")]
    return "".join(line + _newline_of(text) for line in lines)


def _in_flow(text: str, held: _Span, entry: Mapping[str, Any]) -> str:
    """`text` with an entry more in a mapping in braces, as JSON, which YAML reads as well."""
    written = json.dumps(dict(entry), ensure_ascii=not str(entry).isprintable())[1:-1]
    if not held.entries:
        return f"{text[: held.opened]}{written}{text[held.opened :]}"
    key, last = held.entries[-1]
    rest = _REST_OF_LINE.match(text, last.end)
    if rest is None:
        return f"{text[: last.end]}, {written}{text[last.end :]}"
    comma = "" if rest["comma"] else ","
    more = f"{_newline_of(text)}{' ' * key.column}{written}"
    return f"{text[: last.end]}{comma}{text[last.end : rest.end()]}{more}{text[rest.end() :]}"


def _newline_of(text: str) -> str:
    found = _NEWLINE.search(text)
    return found[0] if found else "\n"
