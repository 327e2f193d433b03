"""What failed or was rejected, why, and how to try it again."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from jobs.cli import main
from jobs.look import failed
from jobs.run import label
from jobs.session.run_record import recorded
from tests.fixtures import config_of, write_corpus
from tests.inprocess import InProcess
from tests.naming import named
from tests.runs import during_batch, held, quiet, seen_corpus
from tests.tarmaking import make_tar
from transforms.base.errors import (
    BudgetError,
    ChangedInputError,
    DeviceMemoryError,
    FairshardError,
    ForbiddenError,
    TransientError,
)
from transforms.config.sections import Config
from transforms.labels.labelling import Labeller
from transforms.report.page import write_report
from transforms.shards.finding import find_shards
from transforms.storage import paths
from transforms.storage.files import Storage, output_storage


def labelled(config: Config) -> Storage:
    """The output of a run that labelled."""
    with recorded(config, "label", "r1"):
        label.run(config, InProcess(), quiet())
    return output_storage(config.output)


def shown(found: dict[str, Any]) -> list[str]:
    console = quiet()
    failed.show(found, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def with_bad_samples(folder: Path, **limits: Any) -> Config:
    """A corpus with three samples without a caption in one shard, one of broken JSON in another."""
    write_corpus(folder, samples=40, shards=2)
    good = [("good.txt", b"a man"), ("good.json", b'{"words": []}')]
    bare = [(f"bare{n}.json", b'{"words": []}') for n in range(3)]
    (folder / "in" / "00002.tar").write_bytes(make_tar([*good, *bare]))
    broken = [("broken.txt", b"a woman"), ("broken.json", b"{")]
    (folder / "in" / "00003.tar").write_bytes(make_tar([*good, *broken]))
    return config_of(folder, input={"shards": "in/*.tar", "limits": limits})


def test_rejects_are_listed_with_their_number_and_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = with_bad_samples(tmp_path, max_reject_share=0.5)
    found = failed.run(labelled(config))
    assert (found["rejected"], found["rejecting_shards"], found["error"]) == (4, 2, None)
    assert [(kind["samples"], kind["stage"], kind["shard"]) for kind in found["rejects"]] == [
        (3, "caption", named(config, "00002")),
        (1, "metadata", named(config, "00003")),
    ]
    said = shown(found)
    assert said[0] == "4 samples of 2 shards were rejected:"
    assert said[1] == (
        f"  3 x caption: has no caption member (.txt) (as 'bare0' in {named(config, '00002')})"
    )
    assert said[2].startswith("  1 x metadata: the metadata is not valid JSON")
    assert said[3:] == [
        "to have 3 of them: add the member to the samples, or name its extension in "
        "input.members.caption (labels depend on it, and are all made anew)",
        "to have 1 of them: mend the samples in their shards",
        "a shard is labelled again once it has changed, and not before; rejects/SHARD.parquet in "
        "the output names each sample",
    ]
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(json.loads(config.model_dump_json())))
    with pytest.raises(SystemExit):
        main(["failed", str(path), "--json"])
    assert json.loads(capsys.readouterr().out) == found


def test_a_run_over_its_budget_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    config = with_bad_samples(tmp_path, max_rejects=3, max_reject_share=1)
    with pytest.raises(FairshardError, match="3 x caption: has no caption member"):
        labelled(config)
    said = shown(failed.run(output_storage(config.output)))
    assert said[0].startswith("the last run ended with an error: 4 of 46 samples (8.7%) were")
    assert (
        "before `fairshard label` goes on, keeping what is done: replace or mend the shards that "
        "the error names, or leave them out of input.shards, or raise the limit that it names"
    ) in said
    assert not any("the same configuration" in line for line in said)


def test_the_summary_of_a_run_lists_its_rejects(tmp_path: Path) -> None:
    config = with_bad_samples(tmp_path, max_reject_share=0.5)
    summary = label.run(config, InProcess(), quiet())
    assert [kind["samples"] for kind in summary["rejects"]] == [3, 1]
    console = quiet()
    label.show(summary, console)
    assert isinstance(console.file, io.StringIO)
    assert "rejected: 3 x caption: has no caption" in console.file.getvalue()


def test_the_report_lists_the_same_rejects(tmp_path: Path) -> None:
    config = with_bad_samples(tmp_path, max_reject_share=0.5)
    InProcess().rebalance(config, find_shards(config.input))
    storage = output_storage(config.output)
    page = Path(write_report(storage)).read_text(encoding="utf-8")
    rows = re.findall(
        r'<tr><td>(\w+)</td><th[^>]*>[^<]*</th><td class="n">(\d+)</td><td class="keys">([^<]*)',
        page,
    )
    assert rows == [
        (kind["stage"], str(kind["samples"]), f"{kind['key']} in {kind['shard']}")
        for kind in failed.run(storage)["rejects"]
    ]


def test_a_shard_that_failed_is_named_until_it_succeeds(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")
    shard = tmp_path / "in" / "00001.tar"
    content = shard.read_bytes()
    with pytest.raises(FairshardError), during_batch(0, shard.unlink):
        labelled(config)
    storage = output_storage(config.output)
    found = failed.run(storage)
    (attempt,) = found["attempts"]
    assert (attempt["stage"], attempt["name"]) == ("label", named(config, "00001"))
    assert "does not exist" in attempt["error"]
    assert any(f"label {named(config, '00001')} (process " in line for line in shown(found))
    assert found["retry"] == [
        "before `fairshard label` goes on, keeping what is done: restore the shard, or leave it "
        "out of input.shards"
    ]
    shard.write_bytes(content)
    found = failed.run(labelled(config))
    assert (found["attempts"], found["retry"], found["error"]) == ([], [], None)
    assert shown(found) == ["nothing failed, and no sample was rejected"]


def test_a_killed_run_is_told_from_one_that_goes_on(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    with pytest.raises(Killed), during_batch(2, kill):
        labelled(config)
    storage = output_storage(config.output)
    said = shown(failed.run(storage))
    assert said[0] == "the last run was killed before it could say how it ended"
    assert said[1].endswith(": its process is gone")
    assert said[2].startswith("to try again: `fairshard label`")
    with held(storage, seconds=3600):
        found = failed.run(storage)
        assert (found["active"], found["stopped"], found["attempts"]) == (True, False, [])


KINDS = (FairshardError, *FairshardError.__subclasses__(), ForbiddenError, ChangedInputError)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_again_is_told_only_where_it_can_succeed(
    tmp_path: Path, kind: type[FairshardError]
) -> None:
    config = config_of(tmp_path)
    with pytest.raises(kind), recorded(config, "solve", "r1"):
        raise kind("it did not work")
    (line,) = failed.run(output_storage(config.output))["retry"]
    assert ("the same configuration" in line) == (kind is TransientError)
    assert kind.remedy in line


def test_an_error_that_nobody_expected_is_to_be_reported_if_it_comes_again(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(ZeroDivisionError), recorded(config, "solve", "r1"):
        _ = 1 / 0
    (line,) = failed.run(output_storage(config.output))["retry"]
    assert line == (
        "before `fairshard solve` goes on, keeping what is done: report the error, if it comes "
        "again, as nobody expected one of its kind"
    )


def test_an_interrupted_run_goes_on_as_it_is(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(KeyboardInterrupt), recorded(config, "solve", "r1"):
        raise KeyboardInterrupt
    assert failed.run(output_storage(config.output))["retry"] == [
        "to try again: `fairshard solve` with the same configuration; what is done is kept"
    ]


def test_of_an_error_whose_kind_is_not_on_file_its_sentence_tells(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    with pytest.raises(BudgetError), recorded(config, "label", "r1"):
        raise BudgetError("too many")
    storage = output_storage(config.output)
    values = json.loads(storage.read("done/run.json"))
    assert values.pop("kind") == "BudgetError"
    storage.publish("done/run.json", json.dumps(values).encode())
    (line,) = failed.run(storage)["retry"]
    assert line.endswith("keeping what is done: do what the error says")


def test_a_device_without_memory_is_not_asked_again_as_it_is(tmp_path: Path) -> None:
    config = seen_corpus(tmp_path / "in")

    def fail() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    one = config.model_copy(update={"model": config.model.model_copy(update={"batch_size": 1})})
    with pytest.raises(DeviceMemoryError), during_batch(0, fail):
        labelled(one)
    found = failed.run(output_storage(config.output))
    assert found["attempts"][0]["kind"] == "DeviceMemoryError"
    assert found["retry"] == [
        "before `fairshard label` goes on, keeping what is done: give the model a larger device "
        "(model.device), or run fewer workers on it"
    ]


def test_a_sample_that_the_model_fails_on_is_had_by_labelling_its_shard_again(
    tmp_path: Path,
) -> None:
    """As the advice says: the same run again keeps the reject, without the record it is tried."""
    config = seen_corpus(tmp_path / "in")
    config = config.model_copy(
        update={
            "input": config.input.model_copy(
                update={"limits": config.input.limits.model_copy(update={"max_reject_share": 1.0})}
            )
        }
    )
    storage, shard = output_storage(config.output), find_shards(config.input)[0]

    def fail(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if next(calls) in (0, 1, 2):
            raise RuntimeError("a passing fault")

    calls = iter(range(1000))
    labeller = Labeller(config)
    assert labeller._samples._vision is not None
    handle = labeller._samples._vision._clip.model.visual.register_forward_pre_hook(fail)
    labeller.label(shard, storage)
    handle.remove()
    found = failed.run(storage)
    (kind,) = found["rejects"]
    assert kind["remedy"].startswith("see why the model fails on them; once it does not, delete")
    labelled(config)
    assert failed.run(storage)["rejected"] == kind["samples"]
    storage.delete(paths.label_record(shard.name))
    labelled(config)
    assert failed.run(storage)["rejected"] == 0


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FairshardError, match="holds no run"):
        failed.run(Storage(str(tmp_path)))
