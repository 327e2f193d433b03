"""The examples of docs/lexicons.md, each found, or not, by the lexicon beside it."""

import re

import pytest

from tests.loading import ROOT
from transforms.config.files import parse_config
from transforms.recognition.kinds import CaptionRecogniser, built

PAGE = (ROOT / "docs" / "lexicons.md").read_text(encoding="utf-8")
REST = "input: {shards: a.tar}\nbalance: {eta: 0.5}\noutput: {url: out}\n"
QUOTED = re.compile("`([^`]+)`")
ROWS = [
    (lexicon, QUOTED.findall(found), QUOTED.findall(missed))
    for _, script, lexicon, found, missed, _ in (
        line.split("|") for line in PAGE.splitlines() if line.count("|") == 5
    )
    if "lexicon" not in lexicon and script.strip("- ")
]


@pytest.mark.parametrize(("lexicon", "found", "missed"), ROWS)
def test_what_the_page_says_is_so(lexicon: str, found: list[str], missed: list[str]) -> None:
    names = f"names: {{w: {{target: 0.5, lexicon: {QUOTED.findall(lexicon)[0]}}}}}"
    config = parse_config(f"{REST}attributes: {{g: {{{names}}}}}", "c.yaml")
    columns = built(config, CaptionRecogniser)["lexicon"]
    assert found
    assert missed
    wanted = {caption: {0} if caption in found else set() for caption in found + missed}
    assert {caption: columns(caption) for caption in wanted} == wanted


def test_the_page_has_examples_in_five_scripts_and_a_configuration_that_is_right() -> None:
    assert len(ROWS) >= 15
    example = PAGE.partition("```yaml\n")[2].partition("```")[0]
    assert parse_config(REST + example, "page").attributes["gender"].names["man"].given()
