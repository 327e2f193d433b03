"""The names of the artefacts in an output folder: nothing else spells them."""

LABELS = "labels"
REJECTS = "rejects"
PLANS = "plan"
SHARDS = "shards"
RECOGNISED = "recognised"
REJECTED = "rejected"
VALIDATIONS = "validations"
DONE = "done"
TABLES = "tables"
JOINS = "joins"
LABEL_RECORDS = "done/labels"
OUTPUT_RECORDS = "done/shards"
RECOGNISED_RECORDS = "done/recognised"
EXPORTS = "exports"
EXPORT_RECORDS = "done/exports"
EXPORT_RECORDS_BESIDE = ".fairshard"
JOINED = "done/joined"
RECORD = ".json"
TABLE = "parquet"
PLAN = "plan/plan.json"
PATTERNS = "plan/patterns.parquet"
SAMPLE = "plan/sample.parquet"
FLIPS = "plan/flips.parquet"
DRAW = "plan/draw.parquet"
EXPLANATION = "plan/explanation.json"
MANIFEST = "manifest.json"
SIZES = "shards/sizes.json"
REPORT = "report/index.html"
FRONTIER = "frontier.json"
CARD = "README.md"
CROISSANT = "croissant.json"
GENERATIONS = "generations"
GENERATION = "generation.json"
WRITTEN = "written.parquet"
WIDS = "shards/shardindex.json"
ENERGON_META = "shards/.nv-meta"
RUN = "done/run.json"
WORK = "done/work.json"
RUNNING = "done/running"
RUNNING_BEFORE = "done/running.json"
JOINING = "done/joining.json"
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
    "shards/.nv-meta",
    "report",
    "validations",
    "done",
    "done/labels",
    "done/shards",
    "done/exports",
    "exports",
    "attempts/resample",
    "done/settings",
    "recognised",
    "rejected",
    "done/recognised",
    "done/joined",
    "attempts/label",
    "attempts/solve",
    "tables",
    "joins",
    "generations",
)

OF_THE_PLAN = (PATTERNS, FLIPS, DRAW, PLAN)
"""The files of a plan in the order in which they are written: the last vouches for the others."""


OWN_FOLDERS = tuple(sorted({folder.split("/")[0] for folder in FOLDERS} - {"."}))
"""The folders of an output that are fairshard's own, with all that is in them."""


OF_LABELS = (
    LABELS,
    REJECTS,
    LABEL_RECORDS,
    "done/settings",
    RECOGNISED,
    REJECTED,
    RECOGNISED_RECORDS,
    JOINED,
    TABLES,
    JOINS,
)
"""The folders that labels are in: those that may lie apart from an output."""


def is_of_labels(name: str) -> bool:
    """Whether `name` is that of a folder of labels, or of something in one."""
    return any(name == folder or name.startswith(f"{folder}/") for folder in OF_LABELS)


def written_by(name: str) -> str:
    """What makes the artefact `name` anew, in words."""
    if is_of_labels(name):
        return "run `fairshard label` again"
    if name.startswith(f"{PLANS}/"):
        return "run `fairshard solve` again"
    if name == MANIFEST or name.startswith(f"{SHARDS}/"):
        return "run `fairshard resample` again"
    return "run the stage that writes it"


def is_own(name: str) -> bool:
    """Whether `name` is that of an artefact, or of something in a folder of artefacts."""
    folder, slash, _ = name.rpartition("/")
    if folder.startswith((f"{EXPORTS}/", f"{GENERATIONS}/")):
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


def recognised(shard: str) -> str:
    """What was recognised in an input shard, before tables are joined to it."""
    return f"recognised/{shard}.parquet"


def rejected(shard: str) -> str:
    """The samples of an input shard that nothing can be recognised in."""
    return f"rejected/{shard}.parquet"


def recognised_record(shard: str) -> str:
    """The record that an input shard is read, and what can be recognised in it is."""
    return f"done/recognised/{shard}.json"


def output_shard(number: int, extension: str = "tar") -> str:
    """An output shard in a format of that extension."""
    return f"shards/{number:05d}.{extension}"


def samples_table(number: int) -> str:
    """The table of the samples of an output shard, beside it."""
    return f"shards/{number:05d}.{TABLE}"


def output_record(shard: str) -> str:
    """The record that the output shard of this name is written; that of a tar does without .tar."""
    return f"done/{shard.removesuffix('.tar')}.json"


def generation(number: int) -> str:
    """The folder of what a generation of an output that grows was made from: its plan, its part of
    the manifest, the patterns that it wrote, and the record that vouches for them.
    """
    return f"{GENERATIONS}/{number:04d}"


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


def table_index(digest: str) -> str:
    """What there is of a table in hash buckets; written once all of it is there."""
    return f"{TABLES}/{digest}.json"


def table_part(digest: str, part: int) -> str:
    """The record that a part of a table is in hash buckets."""
    return f"{TABLES}/{digest}-{part:05d}.json"


def table_rows(digest: str, part: int, run: int) -> str:
    """Some rows of a part of a table, a row group a bucket."""
    return f"{TABLES}/{digest}-{part:05d}-{run:05d}.parquet"


def join_samples(join: str, table: int, group: int) -> str:
    """The keys of the samples of a group of shards, a row group a bucket of a table."""
    return f"{JOINS}/{join}-{table:03d}-samples-{group:05d}.parquet"


def join_matches(join: str, table: int, number: int) -> str:
    """What a bucket of a table has for samples, a row group a group of shards."""
    return f"{JOINS}/{join}-{table:03d}-matches-{number:05d}.parquet"


def joined(settings: str, shards: str) -> str:
    """How far tables matched the samples of shards, by their digest, in labels of settings."""
    return f"{JOINED}/{settings}-{shards}.json"


def attempts(stage: str) -> str:
    """The folder of the attempts at shards of a stage."""
    return f"attempts/{stage}"


def attempt(stage: str, name: str) -> str:
    """An attempt at a shard that has not succeeded."""
    return f"{attempts(stage)}/{name}.json"
