"""What patterns of shards and tables hold: paths, URLs, globs, braces, several joined by `::`."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from braceexpand import braceexpand

from transforms.base.errors import ConfigError
from transforms.base.local_paths import local_path
from transforms.config.urls import on_the_web

_MOST_PATHS = 5_000_000
_MAGIC = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[([*?\[])\]")
_ESCAPES = str.maketrans({"*": "[*]", "?": "[?]", "[": "[[]", "{": r"\{", "}": r"\}", "\\": r"\\"})
_WRAPPERS = frozenset(
    ("simplecache", "filecache", "blockcache", "cached", "zip", "tar", "libarchive", "reference")
)


def alternatives(pattern: str, key: str = "input.shards") -> Iterator[str]:
    """What `a::b` names, one after another, as open_clip and webdataset read it.

    fsspec's chains, as in `simplecache::s3://bucket/*.tar`, stay whole. Raises ConfigError for a
    command, which webdataset would run, and for what names nothing.
    """
    if not pattern.strip(": \t\n"):
        raise ConfigError(f"{key}: {pattern!r} names nothing: write a path, a URL or a glob")
    chain = ""
    for piece in pattern.split("::"):
        if piece.startswith("pipe:"):
            raise ConfigError(
                f"{key}: a pipe: runs a command, and fairshard runs none: write the path or the "
                "URL that the command reads, as in s3://bucket/{00000..00099}.tar or "
                "https://host/00000.tar"
            )
        chain += piece
        if piece.partition("://")[0] in _WRAPPERS:
            chain += "::"
        elif chain:
            yield chain
            chain = ""
    if chain:
        yield chain


def anchored_patterns(pattern: str, folder: Path) -> Iterator[str]:
    """The alternatives of `pattern`, those that are relative paths from `folder`.

    No character of `folder`, or of a home folder, is part of the pattern.
    """
    for piece in alternatives(pattern):
        if "://" in piece or "::" in piece:
            yield piece
        elif piece.startswith("~"):
            user, slash, rest = piece.partition("/")
            yield f"{literally(local_path(user))}{slash}{rest}"
        elif piece.startswith("/"):
            yield piece
        else:
            yield f"{literally(str(folder))}/{piece}"


def paths_of(pattern: str, key: str = "input.shards") -> list[str]:
    """The paths and globs that the braces of a pattern stand for; ConfigError where they do not."""
    try:
        paths = list(islice(braceexpand(pattern), _MOST_PATHS + 1))
    except ValueError as error:
        raise ConfigError(f"{key}: the braces in {pattern} are not balanced") from error
    if len(paths) > _MOST_PATHS:
        raise ConfigError(
            f"{key}: the braces in {pattern} stand for more than {_MOST_PATHS:,} paths"
        )
    return paths


def literal(path: str) -> str | None:
    """The path that a glob stands for where it is none, `[[]` being `[`; None where it is one."""
    if on_the_web(path):
        return None if _MAGIC.search(_ESCAPED.sub("", path.partition("?")[0])) else path
    return None if _MAGIC.search(_ESCAPED.sub("", path)) else _ESCAPED.sub(r"\1", path)


def literally(path: str) -> str:
    """A pattern that means just this path."""
    return path.translate(_ESCAPES)
