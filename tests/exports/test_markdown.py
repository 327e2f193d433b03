"""Texts of strangers in Markdown: shown as they are, in one line, and nothing more."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from transforms.exports.markdown import escaped

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(markdown: str) -> str:
    """What a reader of rendered Markdown sees, without the tags of one paragraph."""
    page = MARKDOWN.renderInline(markdown)
    assert not re.search(r"<(?!!-- -->)", page), page
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        page = page.replace(entity, sign)
    return page.replace("<!-- -->", "")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[a link](https://example.org)",
        "![a picture](https://example.org/x.png)",
        "<https://example.org>",
        "*a* __b__ ~~c~~ `d` $e$",
        "a | b",
        "&lt;b&gt; &amp; &#60;",
        "\\*not escaped twice\\*",
        "https://example.org and www.example.org",
    ],
)
def test_marks_are_shown_and_not_followed(text: str) -> None:
    assert shown(escaped(text)) == text


def test_a_text_is_one_line() -> None:
    assert escaped("a\n\n# b\r\n---\tc") == "a # b --- c"


def test_what_would_turn_the_line_is_spelt_out() -> None:
    assert "\u202e" not in escaped("a\u202eb") and "\x1b" not in escaped("a\x1bb")
    escaped("\ud800").encode()


def test_links_of_the_web_are_not_made() -> None:
    assert escaped("https://example.org") == "https://<!-- -->example.org"
    assert escaped("HTTP://www.example.org") == "HTTP://<!-- -->www<!-- -->.example.org"
    assert escaped("s3://bucket/x") == "s3://bucket/x"


@given(st.text())
def test_any_text_is_shown_without_a_tag(text: str) -> None:
    line = escaped(text)
    line.encode()
    assert "\n" not in line
    shown(line)
