"""How far the stages of an output were when they last began, as a file."""

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic asks for this one before Python 3.12

from transforms.storage import paths
from transforms.storage.documents import Count, found
from transforms.storage.files import Storage


class _Stage(TypedDict, total=False):
    total: Count | None
    done: Count
    samples: Count
    seen: dict[str, str]


class _Begun(TypedDict, total=False):
    stages: dict[str, _Stage]
    packing: dict[str, Count | None]


_BEGUN = TypeAdapter(_Begun)


def read_begun(storage: Storage) -> dict[str, Any]:
    """How far the stages were when they last began; nothing where none has.

    Nor where the file cannot be read, which is said.
    """
    lost = "how far the last run was is not known; the next one writes it again"
    begun = found(storage, paths.WORK, _BEGUN, lost)
    return {**begun} if begun else {}
