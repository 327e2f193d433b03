"""The names of the artefacts in an output folder: nothing else spells them."""

LABELS = "labels"
REJECTS = "rejects"
PLANS = "plan"
SHARDS = "shards"
VALIDATIONS = "validations"
DONE = "done"
LABEL_RECORDS = "done/labels"
OUTPUT_RECORDS = "done/shards"
RECORD = ".json"
TABLE = "parquet"
PLAN = "plan/plan.json"
PATTERNS = "plan/patterns.parquet"
SAMPLE = "plan/sample.parquet"
EXPLANATION = "plan/explanation.json"
MANIFEST = "manifest.json"
SIZES = "shards/sizes.json"
REPORT = "report/index.html"
FRONTIER = "frontier.json"
RUN = "done/run.json"
WORK = "done/work.json"
RUNNING = "done/running"
RUNNING_BEFORE = "done/running.json"
LABELS_APART = "done/labels.json"
CLAIMED = "done/claimed.json"
PROMETHEUS = "metrics.prom"
CALIBRATION = "calibration.json"
METRICS = "validations/metrics.json"
DATA_DOCS = "validations/index.html"

FOLDERS = (
    ".",
    "labels",
    "rejects",
    "plan",
    "shards",
    "report",
    "validations",
    "done",
    "done/labels",
    "done/shards",
    "attempts/resample",
    "done/settings",
    "attempts/label",
    "attempts/solve",
)


OWN_FOLDERS = tuple(sorted({folder.split("/")[0] for folder in FOLDERS} - {"."}))
"""The folders of an output that are fairshard's own, with all that is in them."""


OF_LABELS = (LABELS, REJECTS, LABEL_RECORDS, "done/settings")
"""The folders that labels are in: those that may lie apart from an output."""


def is_of_labels(name: str) -> bool:
    """Whether `name` is that of a folder of labels, or of something in one."""
    return any(name == folder or name.startswith(f"{folder}/") for folder in OF_LABELS)


def is_own(name: str) -> bool:
    """Whether `name` is that of an artefact, or of something in a folder of artefacts."""
    folder, slash, _ = name.rpartition("/")
    return folder in FOLDERS if slash else name in {MANIFEST, FRONTIER, PROMETHEUS, CALIBRATION}


def validation(stage: str) -> str:
    """What the gate after a stage found."""
    return f"validations/{stage}.json"


def validation_page(stage: str, table: str) -> str:
    """The page of data docs on one table of a gate."""
    return f"validations/{stage}-{table}.html"


def labels(shard: str) -> str:
    """The label table of an input shard."""
    return f"labels/{shard}.parquet"


def rejects(shard: str) -> str:
    """The rejects of an input shard."""
    return f"rejects/{shard}.parquet"


def label_record(shard: str) -> str:
    """The record that an input shard is labelled."""
    return f"done/labels/{shard}.json"


def output_shard(number: int, extension: str = "tar") -> str:
    """An output shard in a format of that extension."""
    return f"shards/{number:05d}.{extension}"


def samples_table(number: int) -> str:
    """The table of the samples of an output shard, beside it."""
    return f"shards/{number:05d}.{TABLE}"


def output_record(shard: str) -> str:
    """The record that the output shard of this name is written; that of a tar does without .tar."""
    return f"done/{shard.removesuffix('.tar')}.json"


def label_settings(digest: str) -> str:
    """What labels of these settings depend on, key by key."""
    return f"done/settings/{digest}.json"


def attempts(stage: str) -> str:
    """The folder of the attempts at shards of a stage."""
    return f"attempts/{stage}"


def attempt(stage: str, name: str) -> str:
    """An attempt at a shard that has not succeeded."""
    return f"{attempts(stage)}/{name}.json"
