"""Paths as people write them, made whole; and home folders, which a container's user may lack."""

import os
import pwd
from pathlib import Path

from transforms.base.errors import ConfigError

NOWHERE = "/nonexistent"


def local_path(path: str, folder: Path | None = None) -> str:
    """The local `path` from the root: `~` and `~user` replaced, the rest taken from `folder`.

    `folder` is the current one where none is given. Raises ConfigError where there is no such user
    or home folder, no current folder any more, or where the path is not UTF-8, as artefacts are,
    or holds a null, which no path can.
    """
    if "\0" in path:
        raise ConfigError(f"{path}: no path can hold a null character: take it out")
    given = _expanded(path)
    within = current_folder() if folder is None and not given.is_absolute() else folder or Path("/")
    whole = str(within / given)
    try:
        whole.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            f"{path}: this path, {whole!r}, is not UTF-8, as all that is written must be: rename "
            "its folders or files; or, where they are UTF-8, set LC_ALL=C.UTF-8"
        ) from None
    return whole


def current_folder() -> Path:
    """The current folder; ConfigError where it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError(
            "the current folder was deleted: go to another one, then run the same command again"
        ) from None


def let_libraries_have_a_home() -> None:
    """Where no home folder can be told, name one that is not there, as Debian does for `nobody`.

    Libraries that do without a home folder still end where they cannot tell its name.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = NOWHERE


def user_is_listed() -> bool:
    """Whether the system has an entry of this process's user, as it need not in containers."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    return True


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0].removeprefix("~")
        whose = f"there is no user {user!r} here" if user else "this user has no home folder"
        raise ConfigError(f"{path}: {whose}: write the whole path in place of ~{user}") from None
