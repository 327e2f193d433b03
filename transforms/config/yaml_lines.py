"""In which line of a YAML text a key is."""

from collections.abc import Sequence
from typing import Any

import yaml

from transforms.config.yaml_text import as_yaml


def line_of(place: Sequence[str | int], text: str) -> int | None:
    """The line of the key at `place`, or of the nearest one around it; None where there is none.

    Words that validation put into `place` are passed over.
    """
    try:
        node, line = yaml.compose(as_yaml(text), yaml.SafeLoader), None
    except (yaml.YAMLError, RecursionError):
        return None
    for part in place:
        found = _entry(node, part)
        if found is not None:
            line, node = found
    return line


def _entry(node: Any, part: str | int) -> tuple[int, Any] | None:
    """The line of a key or of a number's entry, and what it holds."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                return int(key.start_mark.line) + 1, value
    if isinstance(node, yaml.SequenceNode) and str(part).isdecimal():
        for value in node.value[int(part) : int(part) + 1]:
            return int(value.start_mark.line) + 1, value
    return None
