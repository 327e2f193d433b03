"""The report, opened in real Chromium."""

import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser

from tests.browser import chromium, visiting
from tests.earlier import of_earlier_version
from tests.outputs import config_for, finished_output
from tests.tarmaking import files_in, make_tar, special
from transforms.base.errors import FairshardError, StaleError
from transforms.config.sections import Balance
from transforms.feasibility.frontier import frontier
from transforms.plan.explanation_file import explanation_of
from transforms.plan.plan import read_histogram, read_plan
from transforms.report.frontier import document_of
from transforms.report.page import write_report
from transforms.resampling.manifest import read_manifest
from transforms.storage import paths
from transforms.storage.files import Storage

HOSTILE = (
    "a woman <script>document.title='pwned'</script>"
    "<img src=x onerror=\"document.title='pwned'\">\x00\x1b\u202e & co"
)
PEOPLE = {
    "people": {
        "share_of": "group",
        "names": {
            "woman": {"target": 0.5, "lexicon": ["woman"]},
            "man": {"target": 0.5, "lexicon": ["man"]},
        },
    }
}
OBJECTS = {"object": {"field": "objects", "names": ["book", "hammer", "cup"]}}
EASY = {"eta": 0.4, "max_representation_bias": 0.02, "max_association_bias": 0.08}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def _picture(number: int) -> bytes:
    image = Image.new("RGB", (96, 64), (40 * number % 256, 120, 200))
    ImageDraw.Draw(image).ellipse((20, 10, 60, 50), fill=(240, number % 256, 80))
    sink = io.BytesIO()
    image.save(sink, "JPEG")
    return sink.getvalue()


def _shard(first: int, count: int, caption: str = "", objects: int = 0) -> bytes:
    """Samples of women (one in four), men and nobody; more books with women, hammers with men."""
    entries = []
    for number in range(first, first + count):
        who = ("woman", "man", "man", "nobody")[number % 4]
        found = ["book"] if number % (3 if who == "woman" else 5) < 2 else []
        found += ["hammer"] if number % (3 if who == "man" else 7) < 2 else []
        found += [f"o{index}" for index in range(objects) if (number + index) % 7 == 0]
        text = caption if caption and who == "woman" else f"a {who} somewhere"
        entries += [
            (f"{number:06d}.jpg", _picture(number)),
            (f"{number:06d}.txt", text.encode()),
            (f"{number:06d}.json", json.dumps({"objects": found}).encode()),
        ]
    return make_tar(entries)


def _output(folder: Path, shards: dict[str, bytes] | None = None, **sections: Any) -> Storage:
    """A finished output of `shards`, by default two of 120 samples each."""
    (folder / "in").mkdir()
    for name, content in (shards or {"a.tar": _shard(0, 120), "b.tar": _shard(120, 120)}).items():
        (folder / "in" / name).write_bytes(content)
    wanted = {"attributes": PEOPLE, "labels": OBJECTS, "balance": EASY, **sections}
    return finished_output(config_for(folder, **wanted))


def _text(browser: Browser, page: str) -> str:
    with visiting(browser, Path(page)) as visit:
        assert visit.console == []
        return visit.page.inner_text("body")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of an ordinary output, with known times."""
    storage = _output(tmp_path_factory.mktemp("ordinary"))
    run = {
        "engine": "beam",
        "stages": {"label": 195.4, "solve": 0.25},
        "finished": "2031-02-03T04:05:06+00:00",
    }
    storage.publish(paths.RUN, json.dumps(run).encode())
    return Path(write_report(storage))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_quiet_self_contained_and_not_blank(
    browser: Browser, page: Path, scheme: Any
) -> None:
    with visiting(browser, page, scheme) as visit:
        assert visit.console == []
        beyond = [url for url in visit.requests if not url.startswith("data:")]
        assert beyond == [page.as_uri()]
        loaded = visit.page.evaluate(
            "[...document.images].map(image => image.complete && image.naturalWidth > 0)"
        )
        assert len(loaded) >= 12 and all(loaded)
        shot = Image.open(io.BytesIO(visit.page.screenshot(full_page=True))).convert("RGB")
    pixels = np.asarray(shot.reduce(4))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    paper = np.median(pixels[:, :8], axis=(0, 1))
    assert np.all(paper > 240 if scheme == "light" else paper < 40)


def test_the_page_fits_a_narrow_screen(browser: Browser, page: Path) -> None:
    with visiting(browser, page, width=390) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_in_cells_of_any_colour_can_be_read(browser: Browser, page: Path, scheme: Any) -> None:
    contrasts = """() => {
      const context = document.createElement('canvas').getContext('2d');
      const luminance = colour => {
        context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data].map(
          value => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
      };
      return [...document.querySelectorAll('.heat tbody td:not(.gap)')].map(cell => {
        cell.style.setProperty('--s', '100%');
        const style = getComputedStyle(cell);
        const [low, high] = [style.color, style.backgroundColor].map(luminance).sort();
        return (high + .05) / (low + .05);
      });
    }"""
    with visiting(browser, page, scheme) as visit:
        found = visit.page.evaluate(contrasts)
    assert len(found) == 12
    assert min(found) >= 4.5


def test_the_page_says_what_was_asked_and_what_came_out(browser: Browser, page: Path) -> None:
    storage = Storage(str(page.parent.parent))
    manifest, plan = read_manifest(storage), read_plan(storage)
    text = _text(browser, str(page))
    assert f"Of 240 samples, {manifest.totals.kept} were kept" in text
    for when in ("before", "predicted"):
        measured = getattr(plan.file.measures, when)
        errors = getattr(plan.file.standard_errors, when)
        worst = int(np.argmax(measured.RB))
        assert re.search(rf"{measured.RB[worst]:.4f}\s+± {errors.RB[worst]:.4f}", text)
    assert f"{manifest.measures.max_AB:.4f}" in text
    assert "3 min 15 s" in text and "0.25 s" in text and "2031-02-03 04:05:06 UTC" in text
    assert re.search(r"people\.woman\s+of its group\s+33\.3%\s+\d\d\.\d%\s+50\.0%", text)
    assert "No sample was rejected" in text
    assert plan.fingerprint["labels"] in page.read_text(encoding="utf-8")


def test_the_page_is_small_and_the_same_every_time(page: Path) -> None:
    before = page.read_bytes()
    write_report(Storage(str(page.parent.parent)))
    assert page.read_bytes() == before
    assert len(before) < 2_000_000


def test_hostile_captions_and_keys_are_shown_as_text(browser: Browser, tmp_path: Path) -> None:
    broken = [("<i>k.jpg", _picture(1)), ("<i>k.txt", b"a man"), ("<i>k.json", b"{<b>")]
    shards = {
        "a.tar": _shard(0, 80, HOSTILE),
        "b.tar": make_tar([*broken, special("<u>.tar", b"5")]),
    }
    storage = _output(
        tmp_path,
        shards,
        input={"shards": f"{tmp_path}/in/*.tar", "limits": {"max_lost_shards": 1}},
    )
    page = Path(write_report(storage))
    assert not re.search("[\x00\x1b]", page.read_text(encoding="utf-8"))
    with visiting(browser, page) as visit:
        assert visit.console == []
        assert all(url.startswith(("data:", "file:///")) for url in visit.requests)
        assert visit.page.title() == "fairshard report"
        assert visit.page.locator("script, img[src=x], .keys i").count() == 0
        text = visit.page.inner_text("body")
    assert "<script>document.title='pwned'</script><img src=x onerror=" in text
    assert "<i>k" in text and "the metadata is not valid JSON" in text
    assert re.search(r"it is a directory, as <u>\.tar/ in b--\w+\s+1", text)


def test_without_the_inputs_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    storage = _output(tmp_path)
    for shard in (tmp_path / "in").iterdir():
        shard.unlink()
    text = _text(browser, write_report(storage))
    assert re.search(rf"the shard {tmp_path}/in/[ab]\.tar cannot be read", text)
    assert "people.woman" in text


def test_changed_inputs_give_no_wrong_pictures(browser: Browser, tmp_path: Path) -> None:
    storage = _output(tmp_path)
    for shard in (tmp_path / "in").iterdir():
        renamed = [(f"1{name[1:]}", payload) for name, payload in files_in(shard.read_bytes())]
        shard.write_bytes(make_tar(renamed))
    assert "changed after it was labelled" in _text(browser, write_report(storage))


def test_without_label_tables_the_page_says_so(browser: Browser, tmp_path: Path) -> None:
    storage = _output(tmp_path)
    for table in storage.names("labels"):
        storage.delete(f"labels/{table}")
    text = _text(browser, write_report(storage))
    assert "There are no samples to show" in text and "is missing" in text


def test_missed_constraints_are_named_in_a_warning(browser: Browser, tmp_path: Path) -> None:
    storage = _output(
        tmp_path,
        balance={
            "eta": 0.95,
            "max_representation_bias": 0.001,
            "max_association_bias": 0.004,
            "max_label_skew": 0.01,
        },
    )
    plan = read_plan(storage)
    file, known = plan.file, explanation_of(plan, storage)
    with visiting(browser, Path(write_report(storage))) as visit:
        heading = visit.page.inner_text("h1")
        warning = visit.page.inner_text(".warning")
        prices = visit.page.inner_text("#prices")
    assert file.missed
    assert heading.startswith(f"{len(file.missed)} of ")
    assert "not all can be at eta = 0.95. They are missed by" in heading
    assert all(name in warning for name in file.missed[:20])
    assert "missed" in prices
    assert known is not None
    lines = tuple(known.lines())
    assert len(lines) >= 2 and all(line in warning for line in lines)


def test_a_rate_left_open_is_found_and_shown(browser: Browser, tmp_path: Path) -> None:
    storage = _output(tmp_path, balance={**EASY, "eta": "auto"})
    plan = read_plan(storage)
    found = plan.file.largest_rate
    assert found is not None
    assert 0.4 < found.rate == plan.terms.eta <= found.upper
    assert f"eta = {found.rate:g} (auto: the largest" in plan.rate_in_words
    with visiting(browser, Path(write_report(storage))) as visit:
        asked = visit.page.inner_text("#asked")
        assert visit.page.locator("header.missed").count() == 0
    assert f"auto: {found.rate:g}" in asked and f"at most {found.upper:.4g}" in asked


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_frontier_of_the_same_corpus_is_drawn(
    browser: Browser, tmp_path: Path, scheme: Any
) -> None:
    storage = _output(tmp_path)
    plan = read_plan(storage)
    histogram, _ = read_histogram(storage, plan)
    asked = Balance.model_validate(EASY)
    found = frontier(histogram, plan.terms.attributes, asked, 10)
    document = document_of(found, asked, plan.fingerprint)
    storage.publish(paths.FRONTIER, json.dumps(document).encode())
    with visiting(browser, Path(write_report(storage)), scheme) as visit:
        assert visit.console == []
        section = visit.page.locator("#frontier")
        assert f"attainable up to eta = {found.largest:.6g}" in section.inner_text()
        assert section.locator("[role=img]").count() == 4
        curves = section.locator("path.curve").evaluate_all(
            "found => found.map(path => [path.getTotalLength(), getComputedStyle(path).stroke])"
        )
        assert section.locator("tbody tr").count() == 10
        curve = np.array(Image.open(io.BytesIO(section.locator(".plot").first.screenshot())))
    assert all(length >= 98 for length, _ in curves)
    colour = [int(part) for part in re.findall(r"\d+", curves[0][1])[:3]]
    assert np.sum(np.abs(curve[..., :3].astype(int) - colour).sum(axis=2) < 30) > 100
    storage.publish(paths.FRONTIER, json.dumps({**document, "fingerprint": {}}).encode())
    with visiting(browser, Path(write_report(storage))) as visit:
        assert visit.page.locator("#frontier").count() == 0
    storage.publish(paths.FRONTIER, b"[]")
    with pytest.raises(FairshardError, match="is not a frontier: run `fairshard frontier`"):
        write_report(storage)


def test_what_is_met_has_no_warning(browser: Browser, page: Path) -> None:
    with visiting(browser, page) as visit:
        assert visit.page.locator(".warning").count() == 0
        assert visit.page.locator("header.met").count() == 1


@pytest.mark.parametrize(
    ("bias", "verdict"),
    [
        (0.9, "for (to 1e-06); the output misses RB by more than sampling explains (4 standard"),
        (0.1, "for (to 1e-06), and the output is within sampling error (4 standard errors) of it."),
        (0.0, "Everything asked for is met."),
    ],
)
def test_the_verdict_on_an_output_that_chance_had_a_part_in_follows_what_was_measured(
    browser: Browser, tmp_path: Path, bias: float, verdict: str
) -> None:
    storage = of_earlier_version(_output(tmp_path, labels={}))
    manifest = read_manifest(storage).to_dict()
    manifest["measures"]["RB"] = [0.0, bias]
    storage.publish(paths.MANIFEST, json.dumps(manifest).encode())
    text = _text(browser, write_report(storage))
    assert verdict in text
    assert re.search(rf"{bias:.4f}\s+± 0\.\d{{4}}\s+people\.(wo)?man\s+≤ 0\.0200", text)


def test_of_many_labels_the_most_associated_are_shown(browser: Browser, tmp_path: Path) -> None:
    names = ["book", "hammer", *(f"o{index}" for index in range(70))]
    storage = _output(
        tmp_path,
        {"a.tar": _shard(0, 240, objects=70)},
        labels={"object": {"field": "objects", "names": names}},
        balance={**EASY, "max_association_bias": 0.4},
    )
    with visiting(browser, Path(write_report(storage))) as visit:
        rows = visit.page.locator("#association .heat tbody tr").count()
        note = visit.page.inner_text("#association")
    assert rows == 60
    assert "36 more labels" in note and "Of 72 labels and 2 attributes, the 60 labels" in note


def test_without_labels_there_is_no_association(browser: Browser, tmp_path: Path) -> None:
    text = _text(browser, write_report(_output(tmp_path, labels={})))
    assert "No labels were asked for" in text
    assert "Label skew" not in text and "Association bias" not in text


def test_repeats_and_compressed_shards_are_shown(browser: Browser, tmp_path: Path) -> None:
    shards = {"a.tar.gz": gzip.compress(_shard(0, 200))}
    storage = _output(tmp_path, shards, balance={**EASY, "eta": 1.2, "Q": 3.0})
    with visiting(browser, Path(write_report(storage))) as visit:
        assert visit.page.locator("figure img").count() >= 6
        text = visit.page.inner_text("body")
    assert "kept ×2" in text and "mean copies" in text and "repeats" in text


def test_without_a_plan_or_with_another_ones_manifest_there_is_no_report(tmp_path: Path) -> None:
    storage = _output(tmp_path)
    manifest = {**read_manifest(storage).to_dict(), "plan": "another"}
    storage.publish(paths.MANIFEST, json.dumps(manifest).encode())
    with pytest.raises(StaleError, match="made with another plan"):
        write_report(storage)
    storage.delete(paths.MANIFEST)
    with pytest.raises(FairshardError, match=r"manifest\.json is missing"):
        write_report(storage)
    storage.delete(paths.PLAN)
    with pytest.raises(FairshardError, match=r"plan\.json is missing"):
        write_report(storage)
