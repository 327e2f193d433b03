"""Home folders, which the user of a container may not have."""

import os
import pwd
from pathlib import Path

from transforms.errors import ConfigError

NOWHERE = "/nonexistent"


def expanded(path: str) -> Path:
    """The local `path`, its `~` or `~user` replaced by that home folder.

    Raises ConfigError where there is no such user, or no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        user = Path(path).parts[0].removeprefix("~")
        whose = f"there is no user {user!r} here" if user else "this user has no home folder"
        raise ConfigError(f"{path}: {whose}: write the whole path instead of ~{user}") from None


def let_libraries_have_one() -> None:
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
