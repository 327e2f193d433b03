"""Model weights as files: telling one version from another, and fetching them once."""

import os
from pathlib import Path

import fsspec
import xxhash

from transforms.base.errors import FairshardError, reason_of
from transforms.base.redaction import redacted
from transforms.config.sections import Model


def model_identity(model: Model) -> str:
    """What tells one model from another: a digest of its local files, wherever they are, or names.

    A checkpoint at a URL is told by its URL and the storage's version of it; weights of a
    registered tag or of the Hugging Face hub by their names alone.
    """
    scheme, _, folder = model.name.partition(":")
    if scheme == "local-dir":
        if not Path(folder).is_dir():
            raise FairshardError(f"model.name: there is no folder {folder}: correct local-dir:")
        return _digest(sorted(path for path in Path(folder).iterdir() if path.is_file()))
    if model.pretrained is not None and "://" in model.pretrained:
        return f"{model.name} {redacted(model.pretrained)} {_url_version(model.pretrained)}"
    if model.pretrained is not None and Path(model.pretrained).is_file():
        return f"{model.name} {_digest([Path(model.pretrained)])}"
    return f"{model.name} {model.pretrained}"


def fetched(url: str) -> Path:
    """A local copy of the checkpoint at `url`, made once for each version, in the user's cache.

    Raises FairshardError where it cannot be had.
    """
    version = _url_version(url)
    cache = _cache(url)
    digest = xxhash.xxh3_128_hexdigest(f"{redacted(url)} {version}".encode())
    copy = cache / digest / url.partition("?")[0].rsplit("/", 1)[-1]
    if copy.exists():
        return copy
    attempt = copy.with_name(f".{os.getpid()}.{copy.name}")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _no_cache(url, f"{cache} cannot be written: {reason_of(error)}") from error
    try:
        system, path = fsspec.core.url_to_fs(url)
        system.get_file(path, str(attempt))
        attempt.replace(copy)
    except Exception as error:  # storage libraries raise exceptions of their own
        raise _unavailable(url, error) from error
    finally:
        attempt.unlink(missing_ok=True)
    return copy


def _cache(url: str) -> Path:
    given = os.environ.get("XDG_CACHE_HOME")
    try:
        return Path(given or Path.home() / ".cache") / "fairshard"
    except RuntimeError:
        raise _no_cache(url, "this user has no home folder") from None


def _no_cache(url: str, reason: str) -> FairshardError:
    return FairshardError(
        f"model.pretrained: there is no place for a copy of the checkpoint {url}, as {reason}: let "
        "XDG_CACHE_HOME name a folder that can be written"
    )


def _digest(files: list[Path]) -> str:
    digest = xxhash.xxh3_128()
    for file in files:
        digest.update(f"{file.name} {file.stat().st_size} ".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 24):
                digest.update(chunk)
    return digest.hexdigest()


def _url_version(url: str) -> str:
    try:
        system, path = fsspec.core.url_to_fs(url)
        return str(system.ukey(path))
    except Exception as error:  # storage libraries raise exceptions of their own
        raise _unavailable(url, error) from error


def _unavailable(url: str, error: Exception) -> FairshardError:
    reason = reason_of(error)
    return FairshardError(
        f"model.pretrained: the checkpoint {url} cannot be fetched: {reason}; check the URL, the "
        "network and the credentials"
    )
