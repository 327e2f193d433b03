"""A recogniser is added by one file, or by an installed package: nothing else knows of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from tests.example import install_example
from tests.fixtures import ATTRIBUTES, Truth, write_corpus
from tests.loading import PACKAGES, ROOT

EXAMPLE = ROOT / "tests" / "example_package" / "fairshard_example" / "longer_than.py"
FILE, PACKAGE = "one file", "an installed package"
REGISTERED = """
from transforms.config.recognisers import RECOGNISERS

RECOGNISERS.register(LONGER_THAN)
"""
SAID = """
import json, sys
from transforms.base.errors import ConfigError
from transforms.config.files import parse_config
from transforms.stages.registrations import load_registrations

load_registrations()
said = []
for text in json.loads(sys.argv[1]):
    try:
        parse_config(text, "c.yaml")
    except ConfigError as error:
        said.append(str(error).partition("  ")[2])
print(json.dumps(said))
"""
NAMES = {
    name: {"target": 0.5, "lexicon": [name]} | ({"longer_than": 9} if name == "man" else {})
    for name in ATTRIBUTES
}
CONFIG = {
    "input": {"shards": "in/*.tar"},
    "attributes": {"gender": {"names": NAMES}},
    "labels": {
        "caption": {"names": {"wordy": {"longer_than": 5}}},
        "apart": {
            "combine": "apart",
            "names": {"tie": {"longer_than": 5, "field": {"path": "words", "values": "tie"}}},
        },
    },
    "balance": {"eta": 0.5},
}


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Python finds `longer_than`."""
    folder = tmp_path_factory.mktemp("place")
    if request.param == PACKAGE:
        return install_example(folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    added = folder / "transforms" / "recognition" / "recognisers" / "longer_than.py"
    added.write_text(EXAMPLE.read_text() + REGISTERED)
    return folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Truth]]:
    """A folder with a corpus, and the truth of its samples."""
    folder = tmp_path_factory.mktemp("corpus")
    return folder, write_corpus(folder, samples=60, shards=2)


def python(place: Path, *arguments: str) -> str:
    """What Python, which finds `place` before all else, prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)])}
    command = [sys.executable, "-P", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("place", "engine"), [(FILE, "beam"), (FILE, "spark"), (PACKAGE, "beam")], indirect=["place"]
)
def test_it_labels(place: Path, corpus: tuple[Path, list[Truth]], engine: str) -> None:
    folder, truths = corpus
    output = folder / f"{place.name} {engine}"
    path = folder / f"{engine}.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "output": {"url": str(output)}}))
    python(place, "-m", "jobs.cli", "label", str(path), "--engine", engine)
    rows = [
        row
        for file in sorted((output / "labels").iterdir())
        for row in pq.read_table(file).to_pylist()
    ]
    assert [row["key"] for row in rows] == [truth.key for truth in truths]
    for row, truth in zip(rows, truths, strict=True):
        words = 2 + 2 * max(1, len(truth.words))
        assert row["y.caption.wordy"] == row["y.apart.tie@caption"] == (words > 5)
        assert row["y.apart.tie@metadata"] == ("tie" in truth.words)
        assert row["s.gender.woman"] == ("woman" in truth.words)
        assert row["s.gender.man"] == ("man" in truth.words or words > 9)


@pytest.mark.parametrize("place", [FILE, PACKAGE], indirect=True)
def test_it_is_previewed(place: Path, corpus: tuple[Path, list[Truth]]) -> None:
    folder, truths = corpus
    path = folder / "previewed.yaml"
    path.write_text(yaml.safe_dump({**CONFIG, "output": {"url": str(folder / "none")}}))
    found = json.loads(python(place, "-m", "jobs.cli", "preview", str(path), "--json"))
    hits = {one["name"]: one["by_source"] for one in found["names"]}
    wordy = sum(2 + 2 * max(1, len(truth.words)) > 5 for truth in truths)
    assert hits["caption.wordy"] == {"caption": wordy}
    assert hits["apart.tie"] == {
        "caption": wordy,
        "metadata": sum("tie" in truth.words for truth in truths),
    }


@pytest.mark.parametrize("place", [FILE, PACKAGE], indirect=True)
def test_help_knows_it(place: Path) -> None:
    helped = " ".join(python(place, "-m", "jobs.cli", "check", "--help").split())
    assert "longer_than (a caption of more words than this)" in helped


@pytest.mark.parametrize("place", [FILE, PACKAGE], indirect=True)
def test_sentences_know_it(place: Path) -> None:
    def asking(spec: str) -> str:
        names = f"attributes: {{g: {{names: {{w: {spec}}}}}}}"
        return f"{names}\ninput: {{shards: a.tar}}\nbalance: {{eta: 0.5}}\noutput: {{url: out}}"

    wrong = ("{target: 0.5}", "{target: 0.5, longer_than: -1}", "{target: 0.5, longer: 1}")
    said = python(place, "-c", SAID, json.dumps([asking(spec) for spec in wrong]))
    assert json.loads(said) == [
        "attributes.g: 'w' has no way to be recognised: "
        "give lexicon, longer_than, prompts, field or column, "
        "or say of which names it is all_of, any_of or none_of",
        "attributes.g.names.w.longer_than: should be greater than or equal to 0, not -1",
        "attributes.g.names.w.longer: unknown key; did you mean longer_than?",
    ]


def test_the_page_shows_the_example_as_it_is() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    assert f"```python\n{EXAMPLE.read_text()}```\n" in page
    points = (ROOT / "tests" / "example_package" / "pyproject.toml").read_text()
    assert page.partition("```toml\n")[2].partition("```")[0] in points
