"""Names that are gone from an output, and groups that most of it does not show: as counted."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.session.summary import show, summarise
from tests.fixtures import config_of, jpeg, read_members, write_tar
from tests.outputs import finished_output
from tests.runs import quiet
from transforms.outcome.absences import (
    GroupShown,
    RemovedName,
    groups_in_output,
    removed_names,
)
from transforms.outcome.artefacts import read_artefacts
from transforms.report.page import write_report
from transforms.storage import paths
from transforms.storage.files import Storage

WRENCH = ("nobody", "wrench", 0.0)
LABELS = {"thing": {"field": "words", "names": ["tie", "wrench"]}}
LOOSE = {"eta": 0.5, "max_representation_bias": 0.02, "max_association_bias": None}


def output(folder: Path, *more: tuple[str, str, float], people: int = 4, **changes: Any) -> Storage:
    """The output of 120 samples, of which one in `people` shows a woman or a man, and `more`."""
    who = [(("woman", "man")[n // people % 2] if n % people == 0 else "nobody") for n in range(120)]
    rows = [*((name, "tie" if n % 3 else "", 1.0) for n, name in enumerate(who)), *more]
    members: dict[str, bytes] = {}
    for number, (name, word, quality) in enumerate(rows):
        document = {"words": [word], "quality": quality}
        members |= {
            f"{number:04d}.jpg": jpeg(number),
            f"{number:04d}.txt": f"a {name}".encode(),
            f"{number:04d}.json": json.dumps(document).encode(),
        }
    write_tar(folder / "in" / "00000.tar", members)
    return finished_output(config_of(folder, **{"labels": LABELS, "balance": LOOSE, **changes}))


def found(storage: Storage) -> tuple[tuple[RemovedName, ...], tuple[GroupShown, ...]]:
    artefacts = read_artefacts(storage)
    given = artefacts.plan, artefacts.histogram, artefacts.q, artefacts.manifest
    return removed_names(*given), groups_in_output(*given)


def said(storage: Storage) -> list[str]:
    console = quiet()
    show(summarise(storage), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_label_that_the_plan_gives_no_weight_is_named_with_its_numbers(tmp_path: Path) -> None:
    utility = {"field": "quality", "scale": 1.5}
    storage = output(tmp_path, WRENCH, WRENCH, utility=utility)
    removed = RemovedName("label", "thing.wrench", 2, False, "plan", 0.0)
    assert found(storage)[0] == (removed,)
    line = "label thing.wrench: 2 samples before, 0 after (the plan gives them no weight)"
    assert f"removed: {line}" in said(storage)
    assert summarise(storage)["removed"][0]["name"] == "thing.wrench"
    assert line in Path(write_report(storage)).read_text(encoding="utf-8")


def test_one_that_the_draw_left_out_is_told_from_one_without_weight(tmp_path: Path) -> None:
    balance = {**LOOSE, "eta": 0.1}
    storage = output(tmp_path, ("nobody", "wrench", 1.0), balance=balance, seed=1)
    (removed,) = found(storage)[0]
    assert (removed.before, removed.by) == (1, "chance")
    assert 0 < removed.expected < 1
    assert str(removed) == (
        f"label thing.wrench: 1 sample before, 0 after (the plan gives them {removed.expected:.2g} "
        "copies in all, and none was drawn)"
    )


def test_an_attribute_that_is_gone_is_named_too(tmp_path: Path) -> None:
    """Women alone are asked for: men lose all weight, and women are not dropped with them."""
    names = {
        "woman": {"target": 0.999, "lexicon": ["woman"]},
        "man": {"target": 0.001, "lexicon": ["man"]},
    }
    attributes = {"gender": {"share_of": "group", "names": names}}
    balance = {**LOOSE, "eta": 0.4, "max_representation_bias": 0}
    storage = output(tmp_path, attributes=attributes, balance=balance)
    (removed,) = [one for one in found(storage)[0] if one.kind == "attribute"]
    assert (removed.kind, removed.name, removed.before) == ("attribute", "gender.man", 15)
    assert removed.expected < 0.01
    assert read_artefacts(storage).after.share.tolist() == [1.0, 0.0]


def test_a_name_that_nobody_carried_is_not_gone(tmp_path: Path) -> None:
    assert found(output(tmp_path))[0] == ()


def test_before_there_is_an_output_the_plan_says_it(tmp_path: Path) -> None:
    utility = {"field": "quality", "scale": 1.5}
    artefacts = read_artefacts(output(tmp_path, WRENCH, utility=utility))
    plan, histogram, q = artefacts.plan, artefacts.histogram, artefacts.q
    assert [one.name for one in removed_names(plan, histogram, q)] == ["thing.wrench"]
    (group,) = groups_in_output(plan, histogram, q)
    assert (group.predicted, group.of) == (True, 60)


def test_more_than_a_few_names_are_counted(tmp_path: Path) -> None:
    names = [f"w{n}" for n in range(7)]
    labels = {"thing": {"field": "words", "names": names}}
    rows = [("nobody", name, 0.0) for name in names]
    utility = {"field": "quality", "scale": 1.5}
    storage = output(tmp_path, *rows, labels=labels, utility=utility)
    lines = [line for line in said(storage) if line.startswith("removed: ")]
    assert len(lines) == 6
    assert lines[-1] == "removed: 2 more; --json lists all"
    page = Path(write_report(storage)).read_text(encoding="utf-8")
    assert all(f"label thing.{name}: 1 sample before" in page for name in names)


def test_a_group_is_shown_by_as_many_samples_as_the_output_holds_of_it(tmp_path: Path) -> None:
    storage = output(tmp_path)
    written = [
        content
        for shard in sorted((tmp_path / "out" / "shards").glob("*.tar"))
        for name, content in read_members(shard).items()
        if name.endswith(".txt")
    ]
    people = [text for text in written if text in (b"a woman", b"a man")]
    (group,) = found(storage)[1]
    assert group == GroupShown("gender", len(people), len(written), alone=True, predicted=False)
    assert 0 < len(people) < len(written) / 2
    line = (
        f"few of the output: {len(people)} of {len(written)} samples ({group.share:.1%}) show any "
        "of the group gender: its targets are shares of these alone"
    )
    assert line in said(storage)
    page = Path(write_report(storage)).read_text(encoding="utf-8")
    assert f"{len(people)} of {len(written)} samples; targets are shares of these alone" in page


def test_a_group_that_most_show_is_not_told_of(tmp_path: Path) -> None:
    storage = output(tmp_path, people=1)
    (group,) = found(storage)[1]
    assert group.share == 1
    assert not group.few
    assert not any(line.startswith("few of the output") for line in said(storage))


def test_outputs_that_did_not_count_groups_say_what_the_plan_predicts(tmp_path: Path) -> None:
    storage = output(tmp_path)
    counted = found(storage)[1][0]
    manifest = json.loads(storage.read(paths.MANIFEST))
    assert manifest["groups"] == {"gender": counted.samples}
    manifest["groups"]["gender"] = 1
    storage.publish(paths.MANIFEST, json.dumps(manifest).encode())
    assert (found(storage)[1][0].samples, found(storage)[1][0].predicted) == (1, False)
    del manifest["groups"]
    storage.publish(paths.MANIFEST, json.dumps(manifest).encode())
    predicted = found(storage)[1][0]
    assert predicted.predicted
    assert predicted.samples == pytest.approx(counted.samples, abs=1)
    assert "show any of the group gender, as the plan predicts: its targets are" in str(predicted)
