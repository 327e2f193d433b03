"""The names of the artefacts in an output folder: nothing else spells them."""

LABELS = "labels"
REJECTS = "rejects"
PLANS = "plan"
SHARDS = "shards"
VALIDATIONS = "validations"
DONE = "done"
LABEL_RECORDS = "done/labels"
OUTPUT_RECORDS = "done/shards"
EXPORTS = "exports"
EXPORT_RECORDS = "done/exports"
EXPORT_RECORDS_BESIDE = ".fairshard"
RECORD = ".json"
PLAN = "plan/plan.json"
PATTERNS = "plan/patterns.parquet"
SAMPLE = "plan/sample.parquet"
EXPLANATION = "plan/explanation.json"
MANIFEST = "manifest.json"
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
    "done/exports",
    "exports",
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
    if folder.startswith(f"{EXPORTS}/"):
        return True
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


def output_record(shard: str) -> str:
    """The record that the output shard of this name is written; that of a tar does without .tar."""
    return f"done/{shard.removesuffix('.tar')}.json"


def export(name: str) -> str:
    """The folder of an export whose reader has no place of its own to look in."""
    return f"{EXPORTS}/{name}"


def export_table(shard: str) -> str:
    """The file of an input shard in an export of one a shard."""
    return f"{shard}.parquet"


DATACOMP_SUBSET = "subset.npy"
ENERGON_SPLIT = "split.yaml"


def label_settings(digest: str) -> str:
    """What labels of these settings depend on, key by key."""
    return f"done/settings/{digest}.json"


def attempts(stage: str) -> str:
    """The folder of the attempts at shards of a stage."""
    return f"attempts/{stage}"


def attempt(stage: str, name: str) -> str:
    """An attempt at a shard that has not succeeded."""
    return f"{attempts(stage)}/{name}.json"
