"""The data docs and the report's section on gates, opened in real Chromium without a network."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium, visiting
from tests.gated import finished, labels_result, output_result, plan_result
from transforms import layout
from transforms.gates.results import publish, read_results
from transforms.report import write_report
from transforms.storage import Storage, output_storage


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
        assert "every constraint can be met at this eta, but missed is 1" in section.inner_text()
        section.get_by_role("link", name="data docs").click()
        visit.page.wait_for_url(f"**/{layout.DATA_DOCS}")
        visit.page.get_by_role("link", name="columns").click()
        visit.page.wait_for_url("**/labels-columns.html")
        assert "no column holds nulls" in visit.page.inner_text("body")
        visit.page.get_by_role("link", name="Home").first.click()
        visit.page.wait_for_url(f"**/{layout.DATA_DOCS}")
        body = visit.page.inner_text("body")
    assert "labels passed" in body
    assert "keys are unique within a shard" in body


def test_results_are_published_on_any_storage(storage: Storage) -> None:
    results = read_results(storage)
    assert [result["stage"] for result in results] == ["labels", "plan", "output"]
    elsewhere = Storage("memory://gates")
    assert read_results(elsewhere) == []
    config = results[0]
    assert config["evaluated"] == 9


def test_hostile_names_are_escaped_on_pages() -> None:
    from transforms.gates.pages import index_page

    name = "<img src=x onerror=alert(1)>"
    row = {"success": False, "sentence": f"shard {name}", "severity": "critical"}
    result = {
        "stage": "labels",
        "passed": False,
        "evaluated": 1,
        "pages": [],
        "expectations": [row],
    }
    assert name not in index_page([result])
