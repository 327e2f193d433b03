"""The job that reads the metrics of a run off its files."""

from pathlib import Path

from transforms.base.errors import FairshardError
from transforms.config.files import read_config
from transforms.outcome.run_metrics import run_metrics, run_text
from transforms.storage import paths
from transforms.storage.files import Storage


def run(output: str, config: Path | None) -> str:
    """The metrics as Prometheus's text; FairshardError where there is no run.

    `config` gives the options of the storage that the output is on.
    """
    options = read_config(config).output.storage_options if config else {}
    storage = Storage(output, options)
    if not storage.versions(paths.LABEL_RECORDS) and not storage.versions(paths.DONE):
        raise FairshardError(
            f"{output} holds no run: give the output folder of a run that has begun"
        )
    return run_text(run_metrics(storage), storage)
