"""The names of the artefacts in an output folder."""

PLAN = "plan/plan.json"
PATTERNS = "plan/patterns.parquet"
MANIFEST = "manifest.json"
REPORT = "report/index.html"
FRONTIER = "frontier.json"
RUN = "done/run.json"
CALIBRATION = "calibration.json"


def labels(shard: str) -> str:
    """The label table of an input shard."""
    return f"labels/{shard}.parquet"


def rejects(shard: str) -> str:
    """The rejects of an input shard."""
    return f"rejects/{shard}.parquet"


def label_record(shard: str) -> str:
    """The record that an input shard is labelled."""
    return f"done/labels/{shard}.json"


def output_shard(number: int) -> str:
    """An output shard."""
    return f"shards/{number:05d}.tar"


def output_record(number: int) -> str:
    """The record that an output shard is written."""
    return f"done/shards/{number:05d}.json"
