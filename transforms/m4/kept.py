"""Where compiled loops are kept, so that they are compiled once a machine, or in its image.

They are read of the first of these folders that can be written, and of the one beside the source,
which `fairshard warm` fills where an image is built: whoever runs it there need not write to it.
Compiled for another kind of processor, they are compiled again.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from stat import S_IMODE, S_ISVTX
from tempfile import TemporaryFile, gettempdir
from typing import Any, Self

from numba.core import config
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile

_BESIDE = "__pycache__"


def folders(source: Path) -> Iterator[Path]:
    """Where loops of a file may be kept, the best place first."""
    apart = f"{source.parent.name}_{sha256(bytes(source.parent)).hexdigest()[:16]}"
    if given := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(given) / apart
    yield source.parent / _BESIDE
    with suppress(RuntimeError):  # the system knows of no home
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba" / apart
    with suppress(FileNotFoundError):  # nor of a place for temporary files
        yield Path(gettempdir()) / f"fairshard-{os.getuid()}-{apart}"


def writable(folder: Path) -> bool:
    """Whether loops can be kept there; where all may write, in a folder that is this user's alone.

    Who may change a kept loop runs code in the process that reads it.
    """
    common = folder.parent.is_dir() and bool(folder.parent.stat().st_mode & S_ISVTX)
    try:
        folder.mkdir(mode=0o700 if common else 0o777, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            found = folder.lstat()
    except OSError:
        return False
    return not common or (found.st_uid, S_IMODE(found.st_mode)) == (os.getuid(), 0o700)


def place(source: Path) -> Path | None:
    """The folder that new loops of a file go to; None where none can be written."""
    return next(filter(writable, folders(source)), None)


class _Locator:
    """Says where the loops of a file are, and of which version of it they are."""

    def __init__(self, function: Any, file: str) -> None:
        self._source, self._line = Path(file).absolute(), function.__code__.co_firstlineno
        self._folder = place(self._source)

    @classmethod
    def from_function(cls, function: Any, file: str) -> Self:
        """That of a function's file."""
        return cls(function, file)

    def ensure_cache_path(self) -> None:
        """It is there, if it can be."""

    def get_cache_path(self) -> str:
        """The folder that is written to, or at least read."""
        return str(self._folder or self.beside)

    def get_source_stamp(self) -> bytes:
        """What the file holds."""
        return sha256(self._source.read_bytes()).digest()

    def get_disambiguator(self) -> str:
        """Which of the file's functions of one name it is."""
        return str(self._line)

    @property
    def beside(self) -> Path:
        """The folder beside the source."""
        return self._source.parent / _BESIDE


class _Form(CompileResultCacheImpl):
    """Where loops are kept, whatever locators the environment names for others of numba."""

    _locator_classes: list[type[object]] = [_Locator]  # noqa: RUF012  as numba declares it

    def __init__(self, function: Any) -> None:
        settings: Any = config
        named, settings.CACHE_LOCATOR_CLASSES = settings.CACHE_LOCATOR_CLASSES, ""
        try:
            super().__init__(function)
        finally:
            settings.CACHE_LOCATOR_CLASSES = named


class _KeptFile(IndexDataCacheFile):
    """What is damaged, or may not be read, is as if it were not there: it is compiled again."""

    def load(self, key: Any) -> Any:
        """What is kept of a version; None where that is nothing that can be read."""
        with suppress(Exception):  # of damaged bytes pickle raises anything
            return super().load(key)
        return None

    def _load_index(self) -> Any:
        with suppress(Exception):
            return super()._load_index()
        return {}


class KeptLoops(FunctionCache):
    """The compiled versions of one function; `failure` is why the last one is not kept."""

    failure: OSError | None = None

    _impl_class = _Form

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        locator, name = self._impl.locator, self._impl.filename_base
        stamp = locator.get_source_stamp()
        self._cache_file = _KeptFile(self.cache_path, name, stamp)
        self._beside = _KeptFile(str(locator.beside), name, stamp)

    def _load_overload(self, signature: Any, target: Any) -> Any:
        found = super()._load_overload(signature, target)
        if found is None:
            data = self._beside.load(self._index_key(signature, target.codegen()))
            found = None if data is None else self._impl.rebuild(target, data)
        return found

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep a version; where the disk is full or nothing can be written, none is kept."""
        self.failure = None
        try:
            super().save_overload(signature, data)
        except OSError as error:
            self.failure = error
