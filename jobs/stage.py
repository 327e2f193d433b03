"""The `fairshard` command by options alone, as schedulers and templates write it.

    python -m jobs.stage --stage=gate-plan --config=config.yaml --output= --runner=DirectRunner

runs `fairshard gate plan config.yaml --json`, the remaining options being the engine's.
"""

import argparse
from collections.abc import Sequence

from jobs.cli import main as fairshard

ON_ENGINE = ("label", "gate-labels", "solve", "resample", "rebalance")
BY_HAND = ("gate-plan", "gate-output", "summary", "drift")
FLAGS = {
    "append": "Add the shards that the output has not seen to what is written.",
    "rebuild": "Make an output that has grown anew, as one corpus.",
    "allow-unmet": "End with 0 where it is unmet.",
}


def command(arguments: Sequence[str] | None) -> list[str]:
    """The arguments of `fairshard` that `arguments` (None: this process's), options alone, mean."""
    parser = argparse.ArgumentParser(prog="python -m jobs.stage", allow_abbrev=False)
    parser.add_argument("--stage", required=True, choices=[*ON_ENGINE, *BY_HAND])
    parser.add_argument("--config", required=True)
    parser.add_argument("--output", default="", help="In place of output.url; '' for that.")
    parser.add_argument("--engine", default="", help="In place of engine.name; '' for that.")
    parser.add_argument("--least", default="", help="Of drift: the least share of new samples.")
    for flag, about in FLAGS.items():
        parser.add_argument(f"--{flag}", action="store_true", help=about)
    parser.add_argument("--set", action="append", default=[], help="KEY=VALUE, of the config.")
    asked, options = parser.parse_known_args(arguments)
    words = [*asked.stage.split("-"), asked.config, "--json"]
    words += [f"--set={key}" for key in asked.set]
    words += [f"--output={asked.output}"] if asked.output else []
    words += [f"--engine={asked.engine}"] if asked.engine else []
    words += [f"--least={asked.least}"] if asked.least else []
    words += [f"--{flag}" for flag in FLAGS if getattr(asked, flag.replace("-", "_"))]
    return [*words, "--", *options] if asked.stage in ON_ENGINE else words


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the options name."""
    fairshard(command(arguments))


if __name__ == "__main__":
    main()
