"""The data docs and the report's section on gates, opened in real Chromium without a network."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, visiting
from tests.fixtures import config_of, write_corpus
from tests.gated import finished, labels_result, output_result, plan_result, write_own
from tests.outputs import finished_output
from transforms.gates.results import publish, read_results
from transforms.gates.users import read_own
from transforms.report.page import write_report
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    config = finished(tmp_path_factory.mktemp("pages"), balance={"eta": 0.95})
    for gate in (labels_result, plan_result, output_result):
        publish(gate(config), output_storage(config.output))
    return output_storage(config.output)


def test_every_page_asks_for_nothing_but_itself_and_is_quiet(
    browser: Browser, storage: Storage
) -> None:
    names = [name for name in storage.names("validations") if name.endswith(".html")]
    assert {"index.html", "labels-columns.html", "plan-plan.html", "output-bias.html"} <= {*names}
    for name in names:
        page = Path(storage.path(f"validations/{name}"))
        with visiting(browser, page) as visit:
            assert visit.console == []
            assert [url for url in visit.requests if not url.startswith("data:")] == [page.as_uri()]
            assert visit.page.evaluate("document.scripts.length") == 0
        text = page.read_text()
        assert not re.findall(r"(?:src|href)=\"(?:https?:)?//[^\"]*\"", text)


def test_pages_say_what_was_expected_and_lead_from_one_to_the_next(
    browser: Browser, storage: Storage
) -> None:
    with visiting(browser, Path(write_report(storage))) as visit:
        assert visit.console == []
        section = visit.page.locator("#gates")
        assert "every constraint is met, but share of" in section.inner_text()
        section.get_by_role("link", name="data docs").click()
        visit.page.wait_for_url(f"**/{paths.DATA_DOCS}")
        visit.page.get_by_role("link", name="columns").click()
        visit.page.wait_for_url("**/labels-columns.html")
        assert "no column holds nulls" in visit.page.inner_text("body")
        visit.page.get_by_role("link", name="Home").first.click()
        visit.page.wait_for_url(f"**/{paths.DATA_DOCS}")
        body = visit.page.inner_text("body")
    assert "labels passed" in body
    assert "keys are unique within a shard" in body


def test_results_are_published_on_any_storage(storage: Storage) -> None:
    results = read_results(storage)
    assert [result.stage for result in results] == ["labels", "plan", "output"]
    elsewhere = Storage("memory://gates")
    assert read_results(elsewhere) == []
    assert results[0].evaluated == 9


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    '"><meta http-equiv=refresh content=0;url=about:blank>',
    "'><svg onload=alert(1)> javascript:alert(1)",
    "$PARAMETER $column ${value} {{7*7}} {% raw %} &lt;b&gt; \\n \N{SYMBOL FOR ESCAPE}B `**x**`",
)
SCRIPT = "</script></td><script>alert(1)</script>"
ACTIVE = "script, img, iframe, object, embed, svg, form, base, meta[http-equiv=refresh i]"
HANDLERS = """[...document.querySelectorAll('*')].some(element => [...element.attributes].some(
    given => given.name.startsWith('on') || given.value.trim().startsWith('javascript:')))"""


NAMED = (
    ("labels", "shards", "shard"),
    ("labels", "columns", "column"),
    ("plan", "parts", "part"),
    ("output", "inputs", "shard"),
    ("output", "shards", "shard"),
    ("output", "bias", "measure"),
)
COUNTED = (
    ("labels", "corpus", "rows"),
    ("labels", "", "s.gender.woman"),
    ("plan", "plan", "patterns"),
    ("plan", "unattainable", "missed"),
    ("plan", "missed_as_drawn", "missed"),
    ("output", "output", "written"),
)


def hostile_expectations() -> list[dict[str, Any]]:
    """Some of every table, none of which is met where there are names to be shown."""
    words = [*HOSTILE, SCRIPT]
    kinds: list[dict[str, Any]] = [
        {"type": "expect_column_values_to_be_in_set", "value_set": words},
        {"type": "expect_column_distinct_values_to_equal_set", "value_set": words},
        {"type": "expect_column_values_to_match_regex", "regex": f"(?<!<b>){SCRIPT}"},
    ]
    most = {"type": "expect_column_max_to_be_between", "max_value": 0.5}
    given = [
        {"stage": stage, "table": table, "column": column, "severity": "warning", **kind}
        for columns, types in ((NAMED, kinds), (COUNTED, [most]))
        for stage, table, column in columns
        for kind in types
    ]
    return [*given, *({**each, "says": " ".join(words)} for each in given)]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """Gates whose every table shows hostile names, values and words."""
    folder = tmp_path_factory.mktemp("hostile")
    write_corpus(folder, samples=len(HOSTILE) * 40, shards=len(HOSTILE))
    for shard, name in zip(sorted((folder / "in").iterdir()), HOSTILE, strict=True):
        shard.rename(shard.with_name(f"{name}.tar"))
    config = config_of(folder, balance={"eta": 0.95})
    storage = finished_output(config)
    own = write_own(folder, *hostile_expectations())
    publish(labels_result(config, read_own(own, "labels")), storage)
    publish(plan_result(config, read_own(own, "plan")), storage)
    publish(output_result(config, read_own(own, "output")), storage)
    return storage


def test_hostile_words_are_but_words_on_every_page(browser: Browser, hostile: Storage) -> None:
    names = [name for name in hostile.names("validations") if name.endswith(".html")]
    pages = [Path(hostile.path(f"validations/{name}")) for name in names]
    for page in [*pages, Path(write_report(hostile))]:
        with visiting(browser, page, unguarded=True) as visit:
            assert (visit.console, visit.dialogs, visit.places) == ([], [], [page.as_uri()])
            asked = [url for url in visit.requests if not url.startswith("data:")]
            assert asked == [page.as_uri()]
            assert not visit.page.evaluate(HANDLERS)
            if page in pages:
                assert visit.page.locator(ACTIVE).count() == 0
                text = visit.page.evaluate("document.body.textContent")
                assert [said for said in (*HOSTILE, SCRIPT) if said not in text] == []
