"""The tables of data docs, rendered by Great Expectations of values that cannot be markup.

Its renderer puts some values into pages as they are, has some escaped, and reads others as
templates. So it is given every character that means something to any of these in another's stead,
and what it rendered gets them back, escaped.
"""

import html
from collections.abc import Mapping
from datetime import date
from numbers import Number
from typing import Any

from transforms.base.templates import printable

_TITLE = "header"  # with links to pages that there are not
_MARK = "\N{SYMBOL FOR ESCAPE}"
_PLAIN = f"{_MARK}<>&\"'$`{{}}\\\n"
_STAND_INS = {ord(plain): f"{_MARK}{chr(ord('A') + at)}" for at, plain in enumerate(_PLAIN)}


def rendered_sections(validated: Any) -> list[str]:
    """What was expected of a table and found, as HTML: its overview, then each column's section.

    The result's own values are lost.
    """
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaSectionView

    for result in validated.results:
        given = result.expectation_config
        given.kwargs = stood_in_for(given.kwargs)
        given.description = stood_in_for(given.description)
        result.result = stood_in_for(result.result)
    validated.meta = stood_in_for(validated.meta)
    document = ValidationResultsPageRenderer().render(validated).to_json_dict()
    overview, *columns = document["sections"]
    found = [block for block in overview["content_blocks"] if block["content_block_type"] != _TITLE]
    sections = [{**overview, "content_blocks": found}, *columns]
    view = DefaultJinjaSectionView()
    return [
        escaped(view.render({"section": section, "section_loop": {"index": number}}))
        for number, section in enumerate(sections, 1)
    ]


def stood_in_for(value: Any) -> Any:
    """A value whose texts hold nothing that means something to a page or a template."""
    match value:
        case str():
            return printable(value).translate(_STAND_INS)
        case Mapping():
            return {stood_in_for(key): stood_in_for(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return [stood_in_for(entry) for entry in value]
        case None | Number() | date():
            return value
        case _:
            return stood_in_for(str(value))


def escaped(page: str) -> str:
    """Rendered HTML in which what was stood in for is text."""
    for plain in reversed(_PLAIN):
        page = page.replace(_STAND_INS[ord(plain)], html.escape(plain))
    return page
