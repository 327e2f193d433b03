"""The job that labels the shards that are not labelled yet."""

from typing import Any

from rich.console import Console

from jobs.engines import Runner
from jobs.progress import watched
from jobs.state import all_label_records, label_records
from transforms.config import Config
from transforms.shards import find_shards
from transforms.storage import output_storage


def run(config: Config, runner: Runner, console: Console) -> dict[str, Any]:
    """Label; a summary of what the output folder now holds."""
    shards = find_shards(config.input)
    done = label_records(config, shards)
    missing = [shard for shard in shards if shard.name not in done]
    seconds: dict[str, float] = {}
    if missing:
        storage = output_storage(config.output)
        with watched(storage, ("label",), len(missing), console) as seconds:
            runner.label(config, missing)
    records = all_label_records(config, shards)
    return {
        "shards": len(shards),
        "labelled_now": len(missing),
        "samples": sum(record.samples for record in records),
        "rejected": sum(record.rejects for record in records),
        "ignored_members": sum(sum(record.ignored.values()) for record in records),
        "seconds": seconds,
        "output": config.output.url,
    }


def show(summary: dict[str, Any], console: Console) -> None:
    """Print a summary for people."""
    console.print(
        f"{summary['shards']:,} shards labelled ({summary['labelled_now']:,} in this run): "
        f"{summary['samples']:,} samples, {summary['rejected']:,} rejected"
    )
    console.print(f"labels: {summary['output']}/labels", highlight=False, soft_wrap=True)
