"""Texts of strangers in Markdown: what would be a mark, a tag or a line of its own is spelt out."""

import re

from jinja2 import Environment

from transforms.base.templates import environment_of, printable
from transforms.base.visible import visible

_MARKS = re.compile(r"[\\`*_\[\]<>|~$&]")
_LINKS = re.compile(r"(?<=\bhttp://)|(?<=\bhttps://)|(?<=\bftp://)|(?<=\bwww)(?=\.)", re.IGNORECASE)
_NO_LINK = "<!-- -->"


def escaped(text: str) -> str:
    """`text` as a part of one line of Markdown, which shows just that: no marks, links or tags."""
    line = printable(visible(" ".join(text.split())))
    return _LINKS.sub(_NO_LINK, _MARKS.sub(r"\\\g<0>", line))


def environment(package: str) -> Environment:
    """The Markdown templates of a package: every text is escaped, nothing undefined."""
    return environment_of(package, escaped, autoescape=False, keep_trailing_newline=True)
