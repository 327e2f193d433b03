"""What is wrong with an output: amid faults, and at last beside an undisturbed one."""

import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console

from jobs.look import verify
from transforms.base.errors import FairshardError
from transforms.config.files import read_config
from transforms.labels.tables import digest
from transforms.storage.files import Storage

_OF_TIMES = ("done/run.json", "done/work.json", "metrics.prom", "report/index.html")
_END_OF_TAR = bytes(1024)


@dataclass(frozen=True)
class Reference:
    """An undisturbed output: its files by relative path, its samples, and those of the corpus.

    Samples are told by a digest of their payloads, whatever their names.
    """

    files: Mapping[str, bytes]
    samples: Counter[str]
    corpus: frozenset[str]


@dataclass(frozen=True)
class Verdict:
    """What a finished output has too few, too many, or wrong; `left` are hidden files.

    objection: what `fairshard verify` says against it, "" where it agrees.
    """

    lost: int
    duplicated: int
    wrong: tuple[str, ...]
    left: tuple[str, ...]
    objection: str

    @property
    def agrees(self) -> bool:
        """Whether `fairshard verify` agrees with the output."""
        return not self.objection


def reference_of(output: Path, shards: Path) -> Reference:
    """The reference that an undisturbed output makes, checked against the corpus in `shards`."""
    corpus = _samples(path.read_bytes() for path in sorted(shards.rglob("*.tar")))
    files = files_of(output)
    samples = _samples(files[name] for name in files if name.endswith(".tar"))
    totals = json.loads(files["manifest.json"])["totals"]
    written = totals["kept"] + totals["repeats"]
    if (totals["in"], written) != (corpus.total(), samples.total()) or samples.keys() - corpus:
        raise SystemExit(f"the undisturbed output is wrong already: {totals}")
    return Reference(files, samples, frozenset(corpus))


def judged(
    output: Path,
    reference: Reference,
    url: str = "",
    config: Path | None = None,
    foreign: Mapping[str, bytes] | None = None,
) -> Verdict:
    """An output after the last run beside the reference.

    `url` is where it was made and is verified, if elsewhere; `config` knows how that is reached.
    `foreign` files were laid into it by others and must be there as they were.
    """
    files, foreign = files_of(output), foreign or {}
    touched = [name for name in foreign if _content(output / name) != foreign[name]]
    files = {name: content for name, content in files.items() if name not in foreign}
    tars = [content for name, content in files.items() if name.endswith(".tar")]
    samples = _samples(tar for tar in tars if tarfile.is_tarfile(io.BytesIO(tar)))
    names = files.keys() | reference.files.keys()
    wrong = [name for name in names if files.get(name) != reference.files.get(name)]
    unknown = [f"sample {digest}" for digest in samples.keys() - reference.corpus]
    hidden = [str(path.relative_to(output)) for path in sorted(output.rglob(".*"))]
    return Verdict(
        lost=(reference.samples - samples).total(),
        duplicated=(samples - reference.samples).total() - len(unknown),
        wrong=(*sorted(wrong), *unknown, *touched),
        left=tuple(path for path in hidden if not any(name.startswith(path) for name in foreign)),
        objection=_objection(url or str(output), config),
    )


def files_of(output: Path) -> dict[str, bytes]:
    """The files of an output but for hidden ones: of what times are in, only that it is there."""
    found = {}
    for path in sorted(output.rglob("[!.]*")):
        if path.is_file():
            name = str(path.relative_to(output))
            content = path.read_bytes()
            found[name] = b"" if name in _OF_TIMES else _timeless(name, content)
    return found


def torn(output: Path, foreign: Collection[str] = ()) -> list[str]:
    """The files under final names that are not whole, or not what their record vouches for."""
    found = []
    for path in sorted(output.rglob("[!.]*")):
        name = str(path.relative_to(output))
        if path.is_file() and name not in foreign:
            try:
                _check_whole(name, path.read_bytes(), output)
            except FileNotFoundError:
                continue
            except Exception as error:  # each format has its own
                found.append(f"{name}: {error}")
    return found


def _check_whole(name: str, content: bytes, output: Path) -> None:
    if name.endswith(".json"):
        record = json.loads(content)
        if name.startswith("done/labels/"):
            table = (output / "labels" / f"{Path(name).stem}.parquet").read_bytes()
            _require(digest(table) == record["table_digest"], "not the table it vouches for")
        if name.startswith("done/shards/"):
            tar = (output / "shards" / f"{Path(name).stem}.tar").read_bytes()
            same = hashlib.sha256(tar).hexdigest() == record["sha256"]
            _require(same, "not the tar it vouches for")
    elif name.endswith(".parquet"):
        pq.read_table(io.BytesIO(content))
    elif name.endswith(".tar"):
        _samples([content])
        _require(content.endswith(_END_OF_TAR), "it has no end")
    elif name.endswith(".html"):
        _require(content.rstrip().endswith(b"</html>"), "it has no end")


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _timeless(name: str, content: bytes) -> bytes:
    """A record without how long the work took; all else as it is."""
    if not name.startswith(("done/labels/", "done/shards/")):
        return content
    try:
        record: dict[str, Any] = json.loads(content)
    except ValueError:  # damaged, or no record
        return content
    return json.dumps({**record, "seconds": None}).encode()


def _samples(tars: Any) -> Counter[str]:
    """How often each sample is in tars, by the digest of its members' extensions and payloads."""
    found: Counter[str] = Counter()
    for tar in tars:
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            members = [(info.name.partition("."), archive.extractfile(info)) for info in archive]
        for _, group in groupby(members, lambda member: member[0][0]):
            whole = hashlib.sha256()
            for (_, _, extension), stream in group:
                content = stream.read() if stream else b""
                whole.update(f"{extension} {len(content)} ".encode() + content)
            found[whole.hexdigest()] += 1
    return found


def _objection(output: str, config: Path | None) -> str:
    """What `fairshard verify` says against an output, "" where it agrees."""
    with open("/dev/null", "w") as nowhere:
        try:
            read = read_config(config) if config else None
            storage = Storage(output, read.output.storage_options if read else {})
            checks = verify.run(storage, read, str(config), None, True, Console(file=nowhere))
        except FairshardError as error:
            return str(error)
    return "; ".join(
        f"{one['name']}: {one['remark']}" for one in checks["checks"] if one["differences"]
    )
