"""Resampling from plan to manifest: MB/s of the core and the engines, of `cp` and of webdataset.

    python -m benchmarks.resampling --gigabytes 20 --folder /a/disk --cache cold

makes that many GB of shards of 10,000 samples with their label tables, and a plan that keeps half.
Timed in turns, the medians of five rounds, are `cp` and SHA-256 of the written shards, the resample
stage (drawing, packing, writing, the manifest) by the core's own functions in a pool of processes
that is started before, and by each engine as it starts by default; then a loop that reads all
samples with webdataset and writes the kept ones with its TarWriter. `x 2` is two processes at once,
each with half of the files. What an engine takes for a corpus of 3 MB is its start: MB/s are also
without it. `--cache`: all files are in the page cache before each, or none of them; others are left
as they are. MB/s are of the bytes written (1 MB = 1e6 bytes). Only fairshard hashes what it writes
and syncs each shard.
"""

import argparse
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks import label_tables
from benchmarks.machine import machine
from benchmarks.turns import CACHES, ROUNDS, in_turns, prepared
from transforms.config.schema import schema_of
from transforms.config.sections import Config, EngineConfig
from transforms.labels.records import LabelRecord
from transforms.labels.tables import digest, parquet_bytes
from transforms.plan.make import make_plan
from transforms.plan.plan import Plan
from transforms.recognition.settings import settings_digest
from transforms.resampling.drawing import draw, keep_shard
from transforms.resampling.manifest import read_manifest
from transforms.resampling.packing import Output, capacity, pack
from transforms.resampling.records import OutputRecord
from transforms.resampling.unique_keys import key_prefixes
from transforms.resampling.writing import write_output
from transforms.shards.finding import find_shards
from transforms.stages.registrations import load_registrations
from transforms.stages.steps import Gathered, merged
from transforms.stages.tasks import finish_output
from transforms.statistics.counting import accumulator_for, count_shard
from transforms.statistics.exact_sums import FixedSums
from transforms.storage import paths
from transforms.storage.documents import to_json
from transforms.storage.files import output_storage

SAMPLES_PER_SHARD = 10_000
CAPTION = b"a figure that holds a tool"
NOISE_BYTES = 64 * 2**20
PROCESSES = os.cpu_count() or 1


def write_corpus(folder: Path, size: int, sample_bytes: int) -> Config:
    """Shards of `size` bytes in all and their label tables; the configuration for them."""
    shards = max(1, round(size / (SAMPLES_PER_SHARD * sample_bytes)))
    corpus = label_tables.Corpus(shards * SAMPLES_PER_SHARD, shards)
    config = label_tables.config_of(corpus, folder)
    (folder / "in").mkdir(parents=True)
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        tables = pool.map(
            partial(_write_shard, folder, corpus, config, sample_bytes), range(shards)
        )
    storage, settings = output_storage(config.output), settings_digest(config)
    for shard, content in zip(find_shards(config.input), tables, strict=True):
        storage.publish(paths.labels(shard.name), content)
        seconds = {"total": 0.0}
        rows, name = SAMPLES_PER_SHARD, paths.label_record(shard.name)
        record = LabelRecord(shard, settings, rows, 0, {}, len(content), digest(content), seconds)
        storage.publish(name, to_json(record))
    return config


def _write_shard(
    folder: Path, corpus: label_tables.Corpus, config: Config, sample_bytes: int, number: int
) -> bytes:
    """Write a shard of random payloads, a picture and a caption a sample; its label table."""
    rng = np.random.default_rng(number)
    noise = rng.bytes(NOISE_BYTES)
    sizes = rng.integers(sample_bytes // 3, sample_bytes * 5 // 3, SAMPLES_PER_SHARD)
    starts = rng.integers(0, NOISE_BYTES - 2 * sample_bytes, SAMPLES_PER_SHARD)
    keys, offsets = [], [0]
    with (folder / "in" / f"{number:05d}.tar").open("wb", 2**22) as sink:
        for row, (size, start) in enumerate(zip(sizes.tolist(), starts.tolist(), strict=True)):
            keys.append(f"{number * SAMPLES_PER_SHARD + row:09d}")
            sink.write(_entry(f"{keys[-1]}.jpg", noise[start : start + size]))
            sink.write(_entry(f"{keys[-1]}.txt", CAPTION))
            offsets.append(sink.tell())
        sink.write(bytes(2 * tarfile.BLOCKSIZE))
    schema = schema_of(config)
    table = label_tables.draw(corpus, schema, SAMPLES_PER_SHARD, number)
    places = {"key": keys, "offset": offsets[:-1], "size": np.diff(offsets)}
    columns = [
        pa.array(places[name], schema.arrow.field(name).type) if name in places else table[name]
        for name in schema.arrow.names
    ]
    return parquet_bytes(pa.table(columns, schema=schema.arrow))


def _entry(name: str, payload: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(payload)
    return info.tobuf(tarfile.USTAR_FORMAT) + payload + bytes(-len(payload) % tarfile.BLOCKSIZE)


def plan_of(config: Config, records: Sequence[LabelRecord]) -> Plan:
    """The plan of the corpus."""
    total = accumulator_for(schema_of(config))
    for record in records:
        total.merge(count_shard(record, config, output_storage(config.output)))
    return make_plan(total.extract(), records, config)[0]


def by_core(config: Config, records: Sequence[LabelRecord], plan: Plan, pool: Pool) -> None:
    """The resample stage's functions in a pool of processes."""
    storage = output_storage(config.output)
    by_name = {record.shard.name: record for record in records}
    total: Gathered = None
    keep = partial(keep_shard, plan=plan, config=config, storage=storage)
    kept = pool.map(keep, records, chunksize=1)
    write = partial(_write, records=by_name, plan=plan, config=config)
    outputs: list[OutputRecord] = []
    for record, sums in pool.imap_unordered(write, pack(kept, capacity(config.output))):
        outputs.append(record)
        total = merged(total, sums)
    finish_output(total, records, kept, outputs, plan, config)


def _write(
    output: Output, records: dict[str, LabelRecord], plan: Plan, config: Config
) -> tuple[OutputRecord, FixedSums]:
    load_registrations()
    storage, prefixes = output_storage(config.output), key_prefixes(records)
    return write_output(output, records, plan, config, storage, prefixes)


def by_engine(name: str, config: Config, records: Sequence[LabelRecord], plan: Plan) -> None:
    """The resample stage on an engine."""
    from jobs.session.engines import runner_for

    chosen = config.model_copy(update={"engine": EngineConfig.model_validate({"name": name})})
    runner_for(chosen, []).resample(chosen, records, plan)


def by_cp(shards: Sequence[Path], target: Path, processes: int) -> None:
    """`cp` of written shards, by so many processes at once."""
    parts = [shards[part::processes] for part in range(min(processes, len(shards)))]
    for process in [subprocess.Popen(["cp", *part, str(target)]) for part in parts]:
        assert process.wait() == 0


def by_sha256(shards: Sequence[Path], pool: Pool) -> None:
    """The hashes of written shards."""
    pool.map(_hash, shards, chunksize=1)


def _hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def by_webdataset(kept: dict[str, set[str]], target: Path, processes: int, pool: Pool) -> None:
    """What a script would do: read all samples, write the kept ones; `kept` are keys by URL."""
    urls = sorted(kept)
    parts = [{url: kept[url] for url in urls[part::processes]} for part in range(processes)]
    pool.starmap(_filter, [(part, target / f"{n}.tar") for n, part in enumerate(parts)])


def _filter(kept: dict[str, set[str]], path: Path) -> None:
    import webdataset

    wanted = set[str]().union(*kept.values())
    with webdataset.TarWriter(str(path)) as sink:
        for sample in webdataset.WebDataset(list(kept), shardshuffle=False):
            if sample["__key__"] in wanted:
                sink.write(sample)


def kept_keys(config: Config, records: Sequence[LabelRecord], plan: Plan) -> dict[str, set[str]]:
    """The keys that the plan keeps, by URL of their shard."""
    storage = output_storage(config.output)
    kept = {}
    for record in records:
        drawn = draw(record, plan, config, storage)
        kept[record.shard.url] = set(
            drawn.table.column("key").take(pa.array(drawn.row)).to_pylist()
        )
    return kept


def clear(folder: Path) -> None:
    """Remove what a run has written, but for the label tables."""
    for name in ("shards", "done/shards", "peer"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / paths.MANIFEST).unlink(missing_ok=True)
    (folder / "peer").mkdir(parents=True)


def measure(
    config: Config, records: Sequence[LabelRecord], folder: Path, asked: argparse.Namespace
) -> None:
    """Time each way, and print its MB/s beside the smaller of those of `cp` and of SHA-256."""
    plan = plan_of(config, records)
    kept = kept_keys(config, records, plan)
    peer, written, small = folder / "peer", folder / "written", folder / "small"
    context = multiprocessing.get_context("spawn")
    clear(folder)
    with context.Pool(1) as one, context.Pool(2) as two:
        by_core(config, records, plan, two)
        digests = [shard.sha256 for shard in read_manifest(output_storage(config.output)).shards]
        (folder / "shards").rename(written)
        shards = sorted(written.glob("*.tar"))
        size = sum(path.stat().st_size for path in shards)
        print(f"{len(records)} shards in, {len(shards)} shards out, {size / 1e6:,.0f} MB written")
        tiny = write_corpus(small, 1, 300)
        little = label_tables.read_records(output_storage(tiny.output))
        less = plan_of(tiny, little)
        ways: dict[str, Callable[[], object]] = {
            "core": partial(by_core, config, records, plan, one),
            "core x 2": partial(by_core, config, records, plan, two),
            "beam": partial(by_engine, "beam", config, records, plan),
            "spark": partial(by_engine, "spark", config, records, plan),
            "webdataset": partial(by_webdataset, kept, peer, 1, one),
            "webdataset x 2": partial(by_webdataset, kept, peer, 2, two),
        }
        starts = {
            f"{name} starts": partial(by_engine, name, tiny, little, less)
            for name in ("beam", "spark")
            if name in asked.ways
        }
        bounds: dict[str, Callable[[], object]] = {
            "cp": partial(by_cp, shards, peer, 1),
            "sha256": partial(by_sha256, shards, one),
            "cp x 2": partial(by_cp, shards, peer, 2),
            "sha256 x 2": partial(by_sha256, shards, two),
        }

        def checked(work: Callable[[], object]) -> None:
            work()
            if (folder / paths.MANIFEST).exists():
                manifest = read_manifest(output_storage(config.output))
                assert digests == [shard.sha256 for shard in manifest.shards], "other bytes"

        def before() -> None:
            clear(folder)
            clear(small)
            prepared([*folder.glob("in/*.tar"), *shards], asked.cache)

        works = bounds | {name: ways[name] for name in asked.ways} | starts
        found = in_turns(
            {name: partial(checked, work) for name, work in works.items()}, before, asked.rounds
        )
    for name in (*bounds, *asked.ways):
        taken, start = found[name], found.get(f"{name} starts")
        own = taken.seconds - (start.seconds if start else 0.0)
        two_at_once = " x 2" if name.endswith(" x 2") or start else ""
        bound = max(found[f"{each}{two_at_once}"].seconds for each in ("cp", "sha256"))
        apart = (
            f"; {size / own / 1e6:.0f} without its start of {start.seconds:.1f} s" if start else ""
        )
        print(
            f"{name:<15}{size / taken.seconds / 1e6:7.0f} MB/s{apart}, {bound / own:.2f} of the "
            f"smaller of cp and sha256{two_at_once}, {taken.cpu:.2f} s of CPU"
        )


def main() -> None:
    """Make a corpus, resample it in all ways, print the rates."""
    ways = ("core", "core x 2", "beam", "spark", "webdataset", "webdataset x 2")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gigabytes", type=float, default=20, help="size of the input")
    parser.add_argument("--sample-bytes", type=int, default=30_000, help="mean size of a picture")
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="medians of so many count")
    parser.add_argument("--cache", choices=CACHES, default="cold", help="what is read: in memory?")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    arguments = parser.parse_args()
    print(f"{machine()}; {arguments.cache} cache")
    load_registrations()
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        size = round(arguments.gigabytes * 1e9)
        config = write_corpus(folder, size, arguments.sample_bytes)
        records = label_tables.read_records(output_storage(config.output))
        measure(config, records, folder, arguments)


if __name__ == "__main__":
    main()
