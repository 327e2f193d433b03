"""Texts of strangers in Markdown: what would be a mark, a tag or a line of its own is spelt out."""

import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from transforms.base.templates import printable
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
    return Environment(
        loader=PackageLoader(package),
        autoescape=False,
        undefined=StrictUndefined,
        finalize=_finished,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _finished(value: Any) -> Any:
    return escaped(value) if isinstance(value, str) and not isinstance(value, Markup) else value
