"""Files that appear whole or not at all, by what their file system can do.

A local file is written under a hidden name of the attempt's own, synced, and renamed. An object of
S3 or Google Cloud Storage is uploaded under its final key, where it appears when the upload is
completed. Elsewhere a hidden file is moved, which may be a copy and a delete.
"""

import base64
import hashlib
import io
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from fsspec.implementations.local import LocalFileSystem

from transforms.base.errors import FairshardError, UnreachableError, reason_of

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs"})
_ETAG_OF_MD5 = re.compile(r"[0-9a-f]{32}(-1)?")
_HIDDEN = re.compile(r"\..+\.[0-9a-f]{32}\.tmp", re.DOTALL)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Errors in the block are OSErrors: libraries of object stores raise kinds of their own."""
    try:
        yield
    except (OSError, FairshardError):
        raise
    except Exception as error:
        raise OSError(reason_of(error)) from error


def committing(system: Any, path: str) -> AbstractContextManager[IO[bytes]]:
    """A binary stream that becomes the file at `path` when the block ends without an error.

    What is there by then is checked: FairshardError where it is not what was written.
    """
    if isinstance(system, LocalFileSystem):
        return _replacing(system, path)
    return _uploading(system, path) if _is_object_store(system) else _moving(system, path)


@storage_errors()
def commit(system: Any, path: str, content: bytes) -> None:
    """Make `content` the file at `path`, as `committing` does: on an object store, by one put."""
    if not _is_object_store(system):
        with committing(system, path) as stream:
            stream.write(content)
    elif _is_s3(system):
        answer = system.pipe_file(path, content) or {}
        _check(path, len(content), len(content), _etag_fits(answer, hashlib.md5(content)))
    else:
        from gcsfs.retry import ChecksumError

        try:
            system.pipe_file(path, content, consistency="md5")
        except ChecksumError:
            _check(path, len(content), len(content), False)


@storage_errors()
def left_behind(system: Any, root: str, folders: Iterable[str]) -> dict[str, int]:
    """The hidden files that dead attempts left in `folders` of `root`: path and bytes.

    Only names that `hidden` gives count. Object stores have none.
    """
    if _is_object_store(system):
        return {}
    found: dict[str, int] = {}
    for folder in folders:
        with suppress(FileNotFoundError, NotADirectoryError):
            for info in system.ls(f"{root}/{folder}".removesuffix("/."), detail=True, refresh=True):
                path = str(info["name"])
                if info["type"] == "file" and _HIDDEN.fullmatch(path.rsplit("/", 1)[-1]):
                    found[path] = int(info["size"])
    return found


@storage_errors()
def abort_uploads(system: Any, root: str, is_own: Callable[[str], bool]) -> None:
    """Give up the unfinished uploads to names in `root` that are `is_own`, where a store has such.

    Google's store forgets uploads by itself. Uploads that may not be listed are left.
    """
    if not _is_s3(system):
        return
    bucket, prefix, _ = system.split_path(f"{root}/")
    with suppress(PermissionError):
        for upload in list(_uploads(system, bucket, prefix)):
            if is_own(upload["Key"].removeprefix(prefix)):
                with suppress(FileNotFoundError):
                    system.abort_mpu(bucket, upload["Key"], upload["UploadId"])


def _uploads(system: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """The unfinished uploads under `prefix`, which S3 lists by the thousand."""
    after: dict[str, str] = {}
    while True:
        found = system.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **after)
        yield from found.get("Uploads", [])
        if not found.get("IsTruncated"):
            return
        after = {
            "KeyMarker": found["NextKeyMarker"],
            "UploadIdMarker": found["NextUploadIdMarker"],
        }


def hidden(path: str) -> str:
    """A hidden name beside `path`, of one attempt."""
    folder, last = path.rsplit("/", 1)
    return f"{folder}/.{last}.{uuid.uuid4().hex}.tmp"


@contextmanager
def _replacing(system: Any, path: str) -> Iterator[IO[bytes]]:
    attempt = hidden(path)
    folder = str(Path(path).parent)
    system.makedirs(folder, exist_ok=True)
    try:
        with system.open(attempt, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            _check(path, stream.tell(), os.fstat(stream.fileno()).st_size)
        os.replace(attempt, path)
    except BaseException:
        Path(attempt).unlink(missing_ok=True)
        raise
    _sync(folder)


@contextmanager
def _moving(system: Any, path: str) -> Iterator[IO[bytes]]:
    attempt = hidden(path)
    system.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
    try:
        with system.open(attempt, "wb") as stream:
            yield stream
            written = stream.tell()
        _check(path, written, system.size(attempt))
        system.mv(attempt, path)
    except BaseException:
        with suppress(FileNotFoundError):
            system.rm_file(attempt)
        raise


@contextmanager
def _uploading(system: Any, path: str) -> Iterator[IO[bytes]]:
    with storage_errors():
        upload = system.open(path, "wb", autocommit=False)
    try:
        hashed = _Hashed(upload)
        yield cast(IO[bytes], hashed)
        with storage_errors():
            upload.close()
            upload.commit()
    except BaseException:
        with suppress(Exception):  # what went wrong before is what is told
            upload.discard()
        upload.closed = True
        raise
    try:
        _check(path, hashed.bytes, *_found(system, path, hashed.md5))
    except FairshardError:
        system.rm_file(path)
        raise


class _Hashed(io.RawIOBase):
    """Counts and hashes what is written to a sink."""

    def __init__(self, sink: IO[bytes]) -> None:
        self.bytes = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._sink = sink

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.bytes

    def write(self, content: Any) -> int:
        with storage_errors():
            self._sink.write(content)
        self.md5.update(content)
        size = memoryview(content).nbytes
        self.bytes += size
        return size


def _is_s3(system: Any) -> bool:
    return "s3" in _protocols(system)


def _is_object_store(system: Any) -> bool:
    return not OBJECT_STORES.isdisjoint(_protocols(system))


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


@storage_errors()
def _found(system: Any, path: str, md5: Any) -> tuple[int, bool]:
    """The size of the object at `path`, and whether its checksum is `md5`, or cannot be told."""
    if _is_s3(system):
        bucket, key, _ = system.split_path(path)
        head = system.call_s3("head_object", system.kwargs, Bucket=bucket, Key=key)
        return int(head["ContentLength"]), _etag_fits(head, md5)
    info = system.info(path)
    stored = info.get("md5Hash")
    return int(info["size"]), stored in {None, base64.b64encode(md5.digest()).decode()}


def _etag_fits(answer: Mapping[str, Any], md5: Any) -> bool:
    """Whether S3's etag is that of the MD5, where it is made of one.

    It is for an object of one part that is not encrypted with a key of the owner's (AWS, "Checking
    object integrity"): the MD5 itself after a put, that of the MD5 and "-1" after an upload.
    """
    etag = str(answer.get("ETag", "")).strip('"')
    apart = str(answer.get("ServerSideEncryption", "")).startswith("aws:kms")
    if apart or answer.get("SSECustomerAlgorithm") or not _ETAG_OF_MD5.fullmatch(etag):
        return True
    uploaded = hashlib.md5(md5.digest(), usedforsecurity=False).hexdigest()
    return etag in {md5.hexdigest(), f"{uploaded}-1"}


def _check(path: str, written: int, found: int, same: bool = True) -> None:
    if found != written or not same:
        wrong = f"{found:,} bytes" if found != written else "other bytes"
        raise UnreachableError(
            f"{path} holds {wrong} after {written:,} were written: nothing is recorded of it; "
            "check the storage, then run the same command again"
        )


def _sync(folder: str) -> None:
    """Bring the names in a local folder to the disk, where folders can be opened."""
    with suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
