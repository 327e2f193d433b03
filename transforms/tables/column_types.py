"""One type for a column of a table, whatever its files have: bool, int64, float64, text, lists."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
    pa.types.is_fixed_size_list,
)
_NO_VALUE = r"^[ \t]*(NA|N/A|n/a|NULL|Null|null|NaN|nan|None)?[ \t]*$"
_LARGEST = str(2**63 - 1)
_AS_LONG = "|".join(  # whole numbers of as many digits that are smaller, by the first digit that is
    f"{_LARGEST[:place]}[{int(not place)}-{int(digit) - 1}][0-9]{{{len(_LARGEST) - place - 1}}}"
    for place, digit in enumerate(_LARGEST)
    if digit > "0"
)
_WHOLE = f"(0|[1-9][0-9]{{0,{len(_LARGEST) - 2}}}|{_AS_LONG}|{_LARGEST})"
_FORMS = (
    (pa.bool_(), r"^[ \t]*(true|false|True|False|TRUE|FALSE)[ \t]*$"),
    (pa.int64(), rf"^[ \t]*[+-]?{_WHOLE}[ \t]*$"),
    (
        pa.float64(),
        rf"^[ \t]*[+-]?({_WHOLE}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{{1,3}})?[ \t]*$",
    ),
)
_NAMES = {
    pa.null(): "nothing",
    pa.bool_(): "true and false",
    pa.int64(): "whole numbers",
    pa.float64(): "numbers",
    pa.string(): "texts",
}


def plain(values: pa.Array) -> pa.Array:
    """`values` in one of the types that columns have; ValueError where they are of none.

    Dates and times become texts, decimals and what is beyond 64 bits floats.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return plain(values.dictionary_decode())
    if pa.types.is_null(kind) or pa.types.is_boolean(kind):
        return values
    if pa.types.is_integer(kind):
        fits = kind != pa.uint64() or (pc.max(values).as_py() or 0) < 2**63
        return values.cast(pa.int64() if fits else pa.float64(), safe=False)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return values.cast(pa.float64(), safe=False)
    if any(is_one(kind) for is_one in _LISTS):
        values = values.cast(pa.list_(kind.value_type))
        offsets, inner = _bare_list(values)
        mask = values.is_null() if values.null_count else None
        return pa.ListArray.from_arrays(offsets, plain(inner), mask=mask)
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        raise ValueError(f"it holds {kind}: name a field of it, as in `box.score`")
    try:
        return values.cast(pa.string())
    except pa.ArrowException as error:
        raise ValueError(f"it holds {kind} that is no text in UTF-8") from error


def text_type(texts: pa.Array) -> pa.DataType:
    """The type that all of some texts are of, as CSV has them; empty ones are none."""
    held = texts.filter(pc.invert(_none_held(texts)))
    if not len(held):
        return pa.null()
    fitting = (kind for kind, form in _FORMS if pc.all(_are(held, form)).as_py())
    return next(fitting, pa.string())


def typed_texts(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts in a type that `text_type` gave; empty ones, and NA where it is no text, are null."""
    nothing = pa.scalar(None, pa.string())
    if kind == pa.string():
        return pc.if_else(pc.equal(texts, ""), nothing, texts)
    bare = pc.utf8_trim(pc.if_else(_none_held(texts), nothing, texts), " \t+")
    if kind == pa.null():
        return pa.nulls(len(texts))
    return pc.utf8_lower(bare).cast(kind)


def common_type(one: pa.DataType, other: pa.DataType, texts: bool = False) -> pa.DataType:
    """The type for values of both; ValueError, in a clause, where there is none.

    texts: of what is written as text, and so can be read as text after all.
    """
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    if {one, other} == {pa.int64(), pa.float64()}:
        return pa.float64()
    if pa.types.is_list(one) or pa.types.is_list(other):
        inner = (kind.value_type if pa.types.is_list(kind) else kind for kind in (one, other))
        return pa.list_(common_type(*inner))
    if texts:
        return pa.string()
    raise ValueError(f"it holds {told(one)} and {told(other)}: give it one type")


def types_in(table: pa.Table, texts: bool) -> dict[str, pa.DataType]:
    """The types of the columns after the first; of `texts`, those that they can be read as."""
    return {
        name: text_type(column.combine_chunks()) if texts else column.type
        for name, column in zip(table.column_names[1:], table.columns[1:], strict=True)
    }


def common_types(
    one: Mapping[str, pa.DataType], other: Mapping[str, pa.DataType], texts: bool
) -> dict[str, pa.DataType]:
    """The types for values of both, column by column; ValueError where there is none."""
    found = {}
    for name, kind in one.items():
        try:
            found[name] = common_type(kind, other[name], texts)
        except ValueError as error:
            raise ValueError(f"its column {name!r}: {error}") from None
    return found


def as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """`values`, of a type that `kind` is common to, in it: what is no list as a list of one."""
    if values.type == kind:
        return values
    if not pa.types.is_list(kind):
        return values.cast(kind, safe=False)
    mask = values.is_null() if values.null_count else None
    if pa.types.is_list(values.type):
        offsets, inner = _bare_list(values)
    else:
        counts = pc.cumulative_sum(values.is_valid().cast(pa.int32()))
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), counts])
        inner = values.filter(values.is_valid())
    return pa.ListArray.from_arrays(offsets, as_type(inner, kind.value_type), mask=mask)


def _bare_list(lists: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """The offsets of lists and what these hold, whatever the lists are a slice of."""
    start, end = lists.offsets[0].as_py(), lists.offsets[-1].as_py()
    return pc.subtract(lists.offsets, start), lists.values.slice(start, end - start)


def spelt(kind: pa.DataType) -> str:
    """A type as records hold it."""
    return f"[{spelt(kind.value_type)}]" if pa.types.is_list(kind) else str(kind)


def type_of(spelling: str) -> pa.DataType:
    """The type that `spelt` spelt; ValueError where it is none."""
    if spelling[:1] == "[":
        return pa.list_(type_of(spelling[1:-1]))
    found = {str(kind): kind for kind in _NAMES}.get(spelling)
    if found is None:
        raise ValueError(f"there is no type {spelling!r}")
    return found


def told(kind: pa.DataType) -> str:
    """A type as people say it."""
    return f"lists of {told(kind.value_type)}" if pa.types.is_list(kind) else _NAMES[kind]


def _none_held(texts: pa.Array) -> pa.Array:
    return pc.fill_null(_are(texts, _NO_VALUE), True)


def _are(texts: pa.Array, form: str) -> pa.Array:
    return pc.match_substring_regex(texts, form)
