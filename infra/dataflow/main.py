"""What the Flex Template's launcher runs: one stage's graph, built by fairshard's Beam engine.

The options that are not its own are Beam's. The launcher asks for a template (`template_location`),
so nothing is waited for: the output is there when the Dataflow job has ended.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import fsspec

from jobs.session.engines import runner_for
from jobs.session.labelled import all_label_records, label_records
from jobs.session.options import overridden, read_checked
from transforms.base.errors import ConfigError, FairshardError
from transforms.config.sections import Config
from transforms.plan.fingerprint import check_fits, fingerprint
from transforms.plan.plan import read_plan
from transforms.shards.inputs import input_shards
from transforms.stages.engine import Engine
from transforms.stages.registrations import load_registrations
from transforms.storage import paths
from transforms.storage.files import output_storage

STAGES = ("rebalance", "label", "solve", "resample")


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the stage that `arguments` name; what a person can mend ends in one sentence."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--config", required=True, help="A configuration's path or URL.")
    parser.add_argument("--output", help="In place of output.url.")
    parser.add_argument("--stage", choices=STAGES, default="rebalance")
    asked, options = parser.parse_known_args(arguments)
    try:
        load_registrations()
        config = read(asked.config, asked.output)
        start(asked.stage, config, runner_for(config, options))
    except FairshardError as error:
        print(f"fairshard: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def start(stage: str, config: Config, runner: Engine) -> None:
    """Hand `stage` to the engine, with what the output folder holds for it."""
    shards = input_shards(config)
    match stage:
        case "rebalance":
            runner.rebalance(config, shards)
        case "label":
            done = label_records(config, shards)
            runner.label(config, [shard for shard in shards if shard.name not in done])
        case "solve":
            runner.solve(config, all_label_records(config, shards))
        case "resample":
            storage, records = output_storage(config.output), all_label_records(config, shards)
            plan = read_plan(storage)
            check_fits(plan.fingerprint, fingerprint(config, records), storage.path(paths.PLAN))
            runner.resample(config, records, plan)


def read(url: str, output: str | None) -> Config:
    """The configuration at a path or URL; ConfigError where one at a URL has relative paths."""
    if "://" not in url:
        return overridden(read_checked(Path(url)), output, "beam")
    copy = Path(*fsspec.open_local([f"simplecache::{url}"]))
    config = overridden(read_checked(copy), output, "beam")
    if str(copy.parent) in config.model_dump_json():
        raise ConfigError(
            f"{url} has relative paths, which no worker can reach: write them as URLs"
        )
    return config


if __name__ == "__main__":
    main()
