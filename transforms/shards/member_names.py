"""Names of tar members: key and extension, what loaders pass over, and how names are shown."""

import re

from transforms.shards.headers import DIRECTORY, GLOBAL, Member

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_META = re.compile(r"__[^/]*__($|/)")


def split_name(name: str) -> tuple[str, str] | None:
    """A member's key (with its folders) and extension: the last component, cut at its first dot.

    None where there is no dot, or nothing before it. As webdataset's `base_plus_ext`, but for
    hidden files in folders, which webdataset makes samples named after the folder.
    """
    start = name.rfind("/") + 1
    dot = name.find(".", start)
    return (name[:dot], name[dot + 1 :]) if dot > start else None


def why_ignored(member: Member, name: str) -> str | None:
    """Why loaders pass over a member, whatever its name splits into; None where they do not."""
    if member.kind == GLOBAL:
        return "it is a PAX global header"
    if member.kind == DIRECTORY:
        return "it is a directory"
    return "it is a meta member of webdataset" if _META.match(name) else None


def why_no_key(name: str) -> str:
    """Why a name that `split_name` does not split belongs to no sample."""
    if name[name.rfind("/") + 1 :].startswith("._"):
        return "macOS's tar added it (._)"
    return "its name has no key and extension"


def key_problem(key: str, seen: set[str]) -> str | None:
    """What is wrong with a key that comes after those `seen`; None if nothing is."""
    if key in seen:
        return "its key occurred before in this shard, and not just before"
    if key.startswith("/"):
        return f"the name {quoted(key)} is absolute"
    if ".." in key and ".." in key.split("/"):
        return f"the name {quoted(key)} has a '..' in its path"
    return None


def is_utf8(name: str) -> bool:
    """Whether a name, decoded with surrogates, was UTF-8."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    """A name as text that can be encoded."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def quoted(name: str) -> str:
    """A name in quotes, shortened."""
    return repr(name if len(name) <= 200 else f"{name[:200]}...")
