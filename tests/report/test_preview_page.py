"""The page of a preview, opened in real Chromium."""

from pathlib import Path

from tests.browser import chromium, visiting
from tests.labelled import FOX, OWL, labelling_config, sample
from tests.tarmaking import make_tar
from transforms.preview.previewing import preview
from transforms.report.pictures import Thumbnails
from transforms.report.preview_page import preview_page
from transforms.shards.finding import Shard, find_shards
from transforms.shards.locations import Location

HOSTILE = (
    "a <script>document.title='pwned'</script> fox \x00\x1b\u202e "
    "<img src=https://example.org/x onerror=\"document.title='pwned'\"> & co"
)
FIGURE = {
    "figure": {
        "names": {
            "fox": {"target": 0.5, "prompts": ["a fox"], "lexicon": ["fox"]},
            "owl": {"target": 0.3, "prompts": ["an owl"]},
        }
    }
}


def test_it_shows_pictures_and_captions_and_asks_nobody(tmp_path: Path) -> None:
    entries = [
        *sample("a", jpg=FOX, txt=HOSTILE, json={"who": "<b>foxes</b>"}),
        *sample("b", jpg=OWL, txt="an owl", json={"who": "owl"}),
        *sample("<i>c</i>", jpg=FOX[:-40], txt="it", json={}),
    ]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    labels = {"who": {"field": "who", "names": ["owl"]}}
    config = labelling_config(tmp_path, FIGURE, labels=labels)
    found = preview(config, find_shards(config.input), 10)
    page = tmp_path / "page.html"
    page.write_text(preview_page(found, config), encoding="utf-8")
    with chromium() as browser, visiting(browser, page, unguarded=True) as visit:
        text = visit.page.inner_text("body")
        marked = visit.page.evaluate("[...document.querySelectorAll('mark')].map(m => m.innerText)")
        loaded = visit.page.evaluate(
            "[...document.images].map(image => image.complete && image.naturalWidth > 0)"
        )
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert visit.page.title() == "fairshard preview"
        assert visit.console == [] == visit.dialogs
        assert [url for url in visit.requests if not url.startswith("data:")] == [page.as_uri()]
    assert loaded == [True] * 3
    assert wide == 1280
    assert marked == ["fox"]
    assert "3 samples, the first of 1 of 1 shard: 2 labelled, 1 rejected." in text
    for said in ("figure.fox", "an owl", '"<b>foxes</b>"', "onerror=", "<i>c</i>"):
        assert said in text, said


def test_a_picture_that_is_gone_is_told(tmp_path: Path) -> None:
    (tmp_path / "shard.tar").write_bytes(make_tar(sample("a", jpg=FOX, txt="a fox")))
    config = labelling_config(tmp_path, FIGURE)
    found = preview(config, find_shards(config.input), 10)
    (tmp_path / "shard.tar").unlink()
    assert "shard.tar cannot be read" in preview_page(found, config)


def test_a_page_tells_no_secret_of_a_url(tmp_path: Path) -> None:
    config = labelling_config(tmp_path, FIGURE)
    shard = Shard("s", "https://me:hidden@127.0.0.1:1/s.tar?token=hidden", 9, "")
    shown = Thumbnails(config, {}).of(Location(shard, "", "a", 0, 9))
    assert "127.0.0.1" in shown.problem
    assert "hidden" not in shown.problem


def test_names_without_a_need_for_pictures_show_them_too(tmp_path: Path) -> None:
    entries = [*sample("a", jpg=FOX, txt="a fox"), *sample("b", txt="fox")]
    (tmp_path / "shard.tar").write_bytes(make_tar(entries))
    names = {"fox": {"target": 0.5, "lexicon": ["fox"]}}
    config = labelling_config(tmp_path, {"figure": {"names": names}}, model={})
    page = preview_page(preview(config, find_shards(config.input), 10), config)
    assert page.count("data:image/jpeg;base64,") == 1
    assert "it has no image" in page
