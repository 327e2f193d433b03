"""Which keys a configuration may have, and where: what was meant by one that it may not."""

from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from transforms.base.nearest import nearest
from transforms.config.names import NameSpec, keys_of_names


def meant_by(place: Sequence[str | int], root: type[BaseModel]) -> str:
    """The key that was meant by the one at `place`, where there is none such; "" if it is unlike.

    One of the same section is named alone, one of another section with its place.
    """
    *above, written = place
    siblings = [key for kind in _kinds_at(above, root) for key in _keys_of(kind)]
    return nearest(str(written), siblings) or next(
        (path for path in _paths(root) if path.rpartition(".")[2] == written), ""
    )


def _keys_of(kind: Any) -> tuple[str, ...]:
    """The keys of a section, or of those in a list: one of these may stand alone."""
    if get_origin(kind) in (tuple, list):
        return tuple(key for one in _alternatives(get_args(kind)[0]) for key in _keys_of(one))
    if not _is_section(kind):
        return ()
    if issubclass(kind, NameSpec):
        return keys_of_names(kind)
    return tuple(field.alias or key for key, field in kind.model_fields.items())


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _kinds_at(place: Sequence[str | int], root: type[BaseModel]) -> list[Any]:
    """The types that the value at `place` may be of; words that validation put in it lead on."""
    kinds: list[Any] = [root]
    for part in place:
        kinds = [found for kind in kinds for found in _within(kind, part)] or kinds
    return kinds


def _within(kind: Any, part: str | int) -> Iterator[Any]:
    """The types that the value of the key or number `part` of a `kind` may be of."""
    if _is_section(kind):
        if part in kind.model_fields:
            yield from _alternatives(kind.model_fields[str(part)].annotation)
    elif get_origin(kind) in (dict, tuple, list):
        yield from _alternatives(get_args(kind)[1 if get_origin(kind) is dict else 0])


def _alternatives(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        for one in get_args(annotation):
            yield from _alternatives(one)
    else:
        yield annotation


def _paths(kind: type[BaseModel], within: str = "") -> Iterator[str]:
    """All keys of sections within sections, none of lists and of names."""
    for key, field in kind.model_fields.items():
        yield f"{within}{key}"
        for part in _alternatives(field.annotation):
            if _is_section(part):
                yield from _paths(part, f"{within}{key}.")
