"""The values in a YAML text from a person or a program: bounded, each key once, all text whole."""

import codecs
import itertools
import json
import stat
from pathlib import Path
from typing import Any

import yaml

from transforms.base.errors import ConfigError, reason_of
from transforms.config.yaml_reading import Place, check_keys, check_scalar, line_of, short

_MOST_BYTES = 10 * 2**20
_MOST_VALUES = 1_000_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(path: Path) -> str:
    """The text of the configuration `path`; ConfigError where it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"the configuration {path} cannot be read: {reason_of(error)}") from error
    return text_in(content, f"the configuration {path}")


def text_in(content: bytes, origin: str) -> str:
    """The text in a file's `content`: UTF-8, or UTF-16 that says so; ConfigError where it is none.

    `origin` names it in errors.
    """
    if len(content) > _MOST_BYTES:
        raise ConfigError(
            f"{origin} has more than {_MOST_BYTES >> 20} MiB: its lists are too long, or it is no "
            "YAML at all"
        )
    try:
        return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{origin} cannot be read: line {line} is not UTF-8 text; save it as UTF-8"
        ) from error


def is_file(path: Path) -> bool:
    """Whether `path` lies in a folder of its own, unlike a pipe as `<(command)` makes them."""
    return stat.S_ISREG(path.stat().st_mode)


def values_in(text: str, origin: str) -> Any:
    """What the YAML `text` holds; `origin` names it in errors.

    Raises ConfigError where it is no YAML, has a key twice or one that is no text, a word or number
    that YAML reads as another, half an escaped character, or aliases that make too much of it.
    """
    try:
        loader = yaml.SafeLoader(as_yaml(text))
        node = loader.get_single_node()
        if node is None:
            return None
        if _count(node, {}) > _MOST_VALUES:
            raise ConfigError(
                f"{origin} holds more than {_MOST_VALUES:,} values: use fewer aliases"
            )
        _check(node, Place(origin), set())
        return loader.construct_document(node)
    except ConfigError:
        raise
    except RecursionError as error:
        raise ConfigError(f"{origin} is nested too deeply, or an alias holds itself") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{origin} is not valid YAML: line {line} holds the character "
            f"{chr(error.character)!a}, which YAML has only escaped and in double quotes"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        parts = filter(None, (error.context, error.problem))
        raise ConfigError(f"{origin} is not valid YAML: {where}{short(' '.join(parts))}") from error
    except Exception as error:  # PyYAML lets the errors of int(), date() and others through
        raise ConfigError(f"{origin} is not valid YAML: {short(str(error))}") from error


def as_yaml(text: str) -> str:
    """`text`, where it is JSON with spaces for its tabs: YAML has no line that begins with one."""
    return text.replace("\t", " ") if "\t" in text and _is_json(text) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text.removeprefix("\ufeff"))
    except ValueError:
        return False
    return True


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values `node` holds, each alias counted for all that it stands for."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) not in known:
        pairs = isinstance(node, yaml.MappingNode)
        parts = itertools.chain(*node.value) if pairs else node.value
        known[id(node)] = 1 + sum(_count(part, known) for part in parts)
    return known[id(node)]


def _check(node: yaml.Node, place: Place, seen: set[int]) -> None:
    """Join the characters that `node` has as pairs of escapes; see that it is what it looks like.

    Keys are text, and each is there once; what stands for a word or a number is read as such.
    """
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode):
        node.value = _joined(node, place.origin)
        check_scalar(node, place)
    elif isinstance(node, yaml.MappingNode):
        check_keys(node, place)
        for key, value in node.value:
            _check(key, place, seen)
            _check(value, place.at(key), seen)
    else:
        within = place.listed(node)
        for part in node.value:
            _check(part, within, seen)


def _joined(node: yaml.ScalarNode, origin: str) -> str:
    """The text of `node`, each pair of surrogates (JSON's escapes of an emoji) as one character."""
    try:
        return str(node.value.encode("utf-16", "surrogatepass").decode("utf-16"))
    except UnicodeDecodeError:
        raise ConfigError(
            f"{origin}, line {line_of(node)}: {node.value!a} holds half a character: an escape "
            "from \\ud800 to \\udfff stands for one only as a pair"
        ) from None
