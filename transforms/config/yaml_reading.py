"""Where YAML reads something else than a person wrote: keys given twice, words read as numbers."""

import re
from dataclasses import dataclass, replace
from typing import Self

import yaml

from transforms.base.errors import ConfigError

_TAG = "tag:yaml.org,2002:"
_SECTIONS_OF_NAMES = frozenset(("attributes", "labels"))
_SECRET = "storage_options"
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_UNLIKE_DECIMAL = re.compile(r"[-+]?0[0-9bx].*|.*[_:].*")
_LONGEST_SHOWN = 300
_NUMBERS = {
    "int": yaml.SafeLoader.construct_yaml_int,
    "float": yaml.SafeLoader.construct_yaml_float,
}
_OF_NO_USE = {"timestamp": "a date", "value": "a sign of YAML's own"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: the file, the keys that lead to it, whether in a list, beside texts."""

    origin: str
    keys: tuple[str, ...] = ()
    in_list: bool = False
    beside_text: bool = False

    def at(self, key: yaml.Node) -> Self:
        """The place of the value of `key`."""
        if not isinstance(key, yaml.ScalarNode):
            return self
        return replace(self, keys=(*self.keys, key.value), in_list=False, beside_text=False)

    def listed(self, entries: yaml.Node) -> Self:
        """The place of the `entries` of a list that is here."""
        beside_text = any(entry.tag == f"{_TAG}str" for entry in entries.value)
        return replace(self, in_list=True, beside_text=beside_text)

    @property
    def among_names(self) -> bool:
        """Whether it is in a section of names, and of words that recognise them."""
        return bool(self.keys) and self.keys[0] in _SECTIONS_OF_NAMES

    @property
    def of_words(self) -> bool:
        """Whether a word may be meant here."""
        return self.among_names or self.in_list


def check_keys(node: yaml.MappingNode, place: Place) -> None:
    """ConfigError where a key of `node` is no text, or is given twice."""
    given: dict[tuple[str, str], list[tuple[yaml.Node, yaml.Node]]] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        kind = key.tag.removeprefix(_TAG)
        if kind not in ("str", "merge"):
            raise ConfigError(
                f"{place.origin}, line {line_of(key)}: the key {short(key.value)} is read as "
                f'{kind}, and keys are text: write "{short(key.value)}"'
            )
        given.setdefault((kind, key.value), []).append((key, value))
    for (kind, _), pairs in given.items():
        if len(pairs) > 1:
            raise ConfigError(_twice(kind, pairs, place))


def check_scalar(node: yaml.ScalarNode, place: Place) -> None:
    """ConfigError where `node` is read as something else than it looks like."""
    kind = node.tag.removeprefix(_TAG)
    if kind == "null" and place.beside_text and place.among_names:
        raise ConfigError(_unlike(node, place, "nothing") if node.value else _empty(node, place))
    if kind in _OF_NO_USE:
        raise ConfigError(_unlike(node, place, _OF_NO_USE[kind]))
    if kind == "bool" and place.of_words and node.value.lower() not in ("true", "false"):
        value = str(yaml.SafeLoader.bool_values[node.value.lower()]).lower()
        raise ConfigError(_unlike(node, place, value, f", {value} for the truth value"))
    if kind in _NUMBERS and _is_unlike(node.value, place):
        number = _NUMBERS[kind](yaml.SafeLoader(""), node)
        raise ConfigError(
            _unlike(node, place, f"the number {number}", f", {number} for the number")
        )


def line_of(node: yaml.Node) -> int:
    """The line in which `node` begins."""
    return int(node.start_mark.line) + 1


def short(said: str) -> str:
    """`said` in one line, cut where it is long."""
    return " ".join(said.split())[:_LONGEST_SHOWN]


def _twice(kind: str, pairs: list[tuple[yaml.Node, yaml.Node]], place: Place) -> str:
    path = ".".join(short(key) for key in (*place.keys, pairs[0][0].value))
    lines = [line_of(key) for key, _ in pairs]
    times = "twice" if len(lines) == 2 else f"{len(lines)} times"
    *others, last = (str(line) for line in sorted({*lines}))
    where = f"lines {', '.join(others)} and {last}" if others else f"line {last}"
    can_be_joined = all(isinstance(value, yaml.CollectionNode) for _, value in pairs)
    remedy = "join them" if can_be_joined else "keep one"
    if kind == "merge":
        remedy = "join them, as in <<: [*one, *other]"
    return f"{place.origin}: `{path}` is given {times}, in {where}; {remedy}"


def _is_unlike(written: str, place: Place) -> bool:
    """Whether a number is written as no decimal is: base 60, octal; among words, hex or 1_000."""
    if place.of_words:
        return _UNLIKE_DECIMAL.fullmatch(written) is not None
    if _OCTAL.fullmatch(written):
        digits = written.replace("_", "")
        return int(digits, 8) != int(digits)
    return ":" in written


def _empty(node: yaml.Node, place: Place) -> str:
    path = ".".join(map(short, place.keys))
    return (
        f"{place.origin}, line {line_of(node)}: an entry of {path} is empty: fill it in, or take "
        "it out"
    )


def _unlike(node: yaml.ScalarNode, place: Place, reading: str, otherwise: str = "") -> str:
    where = f"{place.origin}, line {line_of(node)}"
    if _SECRET in place.keys:
        path = ".".join(map(short, place.keys))
        return f"{where}: the value of {path} is not read as it is written: put it in quotes"
    shown = short(node.value)
    return f'{where}: {shown} is read as {reading}: write "{shown}" for the text{otherwise}'
