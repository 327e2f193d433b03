"""Data docs as pages that open without a network and run no script."""

import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

from transforms.templating import environment

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
_REMOVED = tuple(
    re.compile(pattern, re.DOTALL | re.IGNORECASE)
    for pattern in (
        r"<script\b.*?</script\s*>",
        r"<link\b[^>]*>",
        r"<img\b[^>]*>",
        r"<footer\b.*?</footer\s*>",
        r"<title>.*?</title>",
        r"<style\b.*?</style\s*>",
        r'<div class="card mb-3">\s*<div class="card-header p-2">\s*<strong>Actions</strong>.*?'
        r"</div>\s*</div>\s*</div>\s*</div>\s*</div>",
        r'\s(?:onclick|data-toggle)="[^"]*"',
    )
)
_HOME = re.compile(r'href="(?:\.\./)+index\.html"')
_SUITE = re.compile(r'<a href="(?:\.\./)+expectations/[^"]*"\s*>(.*?)</a>', re.DOTALL)


def offline(page: str, title: str) -> str:
    """A page of Great Expectations' data docs that asks for nothing but itself."""
    for pattern in _REMOVED:
        page = pattern.sub("", page)
    page = _SUITE.sub(r"\1", _HOME.sub('href="index.html"', page))
    head = (
        f'<head><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<title>{title}</title><link rel="icon" href="data:,"><style>{_style()}</style>'
    )
    return page.replace("<head>", head, 1)


def index_page(results: Sequence[dict[str, Any]]) -> str:
    """The first page of the data docs: each gate's verdict, and links to its tables."""
    page = environment().get_template("gates.html.j2")
    return page.render(results=results, policy=_POLICY, style=_style())


def _style() -> str:
    return resources.files("transforms.templates").joinpath("gates.css").read_text("utf-8")
