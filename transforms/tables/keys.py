"""Keys as text, the same for the same key whatever type a file gives it, and their hashes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_BETWEEN = "\t"
_LONGEST_INTEGER = 2.0**63
_AT_ONCE = 1 << 16
_WORD = 8
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
_MULTIPLIERS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
_SHIFTS = np.array([30, 27, 31, 32], np.uint64)
_TAR = r"(?i)\.(tar|tar\.gz|tgz|tar\.zst|tzst)$"


def key_texts(values: pa.Array) -> pa.Array:
    """Keys as text: whole numbers in decimal, whatever their type, all else as it is.

    Null, NaN and empty text are no key: null. Raises ValueError where values are no keys.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return key_texts(values.dictionary_decode())
    if pa.types.is_null(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return values.cast(pa.string())
    if pa.types.is_floating(kind):
        return _float_texts(values.cast(pa.float64()))
    if pa.types.is_decimal(kind):
        return pc.replace_substring_regex(values.cast(pa.string()), r"\.0*$", "")
    if pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType):
        raise ValueError(f"it holds {kind}, and a key is a text or a number")
    try:
        texts = values.cast(pa.string())
    except pa.ArrowException as error:
        raise ValueError(f"it holds {kind} that is no text in UTF-8") from error
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def member_keys(tars: pa.Array, members: pa.Array) -> pa.Array:
    """Keys of tars and members, of what tables call them: any path of a tar, any member's name.

    The tar's is its file's name without `.tar`, the member's what comes before the first dot of its
    last part.
    """
    stems = pc.replace_substring_regex(key_texts(tars), r"^(?s:.*)[/\\]", "")
    stems = pc.replace_substring_regex(stems, _TAR, "")
    keys = pc.replace_substring_regex(
        _bare(key_texts(members)), r"^((?s:.*/)?[^/.]+)\.[^/]*$", r"\1"
    )
    return pc.binary_join_element_wise(stems, keys, _BETWEEN)


def sample_member_keys(stem: str, keys: pa.Array) -> pa.Array:
    """As `member_keys`, of the samples of a shard whose file's name has this stem."""
    return pc.binary_join_element_wise(pa.scalar(stem), _bare(keys), _BETWEEN)


def shown_key(key: str) -> str:
    """A key as people read it: tar and member with a slash between."""
    return key.replace(_BETWEEN, "/", 1)


def hashes(keys: pa.Array) -> Hashes:
    """The 64-bit hash of each key's UTF-8, the same on any machine; of null, that of ""."""
    slices = (keys.slice(start, _AT_ONCE) for start in range(0, len(keys), _AT_ONCE))
    return np.concatenate([np.zeros(0, np.uint64), *map(_hashed, slices)])


def buckets_of(hashed: Hashes, buckets: int) -> NDArray[np.int64]:
    """The bucket of each hash: ranges of hashes, in their order."""
    upper = hashed >> _SHIFTS[3]
    return np.asarray((upper * np.uint64(buckets)) >> _SHIFTS[3], np.int64)


def _bare(members: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(members, r"^(\./)+", "")


def _float_texts(values: pa.Array) -> pa.Array:
    """Floats that are whole as integers, others as short as they can be told; NaN is null."""
    numbers = values.to_numpy(zero_copy_only=False)
    whole = (np.floor(numbers) == numbers) & (np.abs(numbers) < _LONGEST_INTEGER)
    integers = pa.array(np.where(whole, numbers, 0).astype(np.int64)).cast(pa.string())
    texts = pc.if_else(pa.array(whole), integers, values.cast(pa.string()))
    return pc.if_else(pa.array(np.isnan(numbers)), pa.scalar(None, pa.string()), texts)


def _hashed(keys: pa.Array) -> Hashes:
    """Eight bytes of all keys at a time, as splitmix64 mixes them."""
    texts = keys.cast(pa.large_string()).fill_null("")
    _, starts, content = texts.buffers()
    offsets = np.frombuffer(starts, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    text = np.zeros(offsets[-1] - offsets[0] + _WORD, np.uint8)
    if content is not None:
        text[:-_WORD] = np.frombuffer(content, np.uint8)[offsets[0] : offsets[-1]]
    words = np.ndarray(len(text) - _WORD + 1, "<u8", text, strides=(1,))
    begins, sizes = offsets[:-1] - offsets[0], np.diff(offsets)
    state = _mixed(sizes.astype(np.uint64))
    left = np.arange(len(keys))
    for step in range(0, int(sizes.max(initial=0)), _WORD):
        left = left[sizes[left] > step]
        word = words[begins[left] + step] & _KEPT[np.minimum(sizes[left] - step, _WORD)]
        state[left] = _mixed(state[left] ^ word)
    return state


def _mixed(state: Hashes) -> Hashes:
    state = (state ^ (state >> _SHIFTS[0])) * _MULTIPLIERS[0]
    state = (state ^ (state >> _SHIFTS[1])) * _MULTIPLIERS[1]
    return np.asarray(state ^ (state >> _SHIFTS[2]))
