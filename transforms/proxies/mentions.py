"""What samples mention: the words of their captions, or the texts in a metadata field."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa

from transforms.config.schema import schema_of
from transforms.config.sections import Config, Input, Members
from transforms.labels.records import LabelRecord
from transforms.labels.tables import read_labels
from transforms.proxies.contingency import Tally, sides_of
from transforms.recognition import fields
from transforms.recognition.folding import letters_of, normalised
from transforms.shards.entries import read_entries
from transforms.shards.samples import Sample, open_tar
from transforms.statistics.counting import is_balanced
from transforms.statistics.filtering import filter_columns
from transforms.storage.files import Storage

_LISTED = """
a about above after against along among an and are around as at be been before behind being below
beside between but by down during for from in inside into is it its near next of off on onto or out
outside over some that the their there these this those through to toward towards under until up
upon was were what when where which while who with within without
"""
_FUNCTION_WORDS = frozenset(_LISTED.split())
_LONGEST = 64
_MOST_CHARACTERS = 10_000
_MOST_VALUES = 1_000
_SAMPLES_AT_ONCE = 1 << 14


def words(text: str) -> frozenset[str]:
    """The words of `text`, as a caption lexicon finds them: runs of letters, in lower case.

    English function words, single ASCII letters and words of more than 64 characters are left out,
    and so is what follows 10,000 characters. Scripts written without spaces are cut at punctuation
    and digits only.
    """
    found = letters_of(normalised(text[:_MOST_CHARACTERS]))
    return frozenset(word for word in found if _is_candidate(word))


def texts(document: object, path: str) -> frozenset[str]:
    """The texts at `path` of a metadata object (the first 1,000, of up to 64 characters each)."""
    values = islice(fields.values_at(document, path), _MOST_VALUES)
    return frozenset(
        _encodable(value) for value in values if isinstance(value, str) and len(value) <= _LONGEST
    )


def mentions(sample: Sample, source: Input, field: str | None) -> frozenset[str] | None:
    """The words of the caption, or the texts at the metadata `field`; None where neither is."""
    in_caption = field is None and source.caption_in_metadata is None
    extensions = source.members.caption if in_caption else source.members.metadata
    found = (sample.members.get(extension.lower()) for extension in extensions)
    content = next((content for content in found if content is not None), None)
    if content is None:
        return None
    if in_caption:
        return words(content[: 4 * _MOST_CHARACTERS].decode("utf-8", "replace"))
    try:
        document = fields.parse(content)
    except ValueError:
        return None
    if field is not None:
        return texts(document, field)
    captions = [
        _encodable(value)
        for value in fields.values_at(document, source.caption_field or "")
        if isinstance(value, str)
    ]
    return words(captions[0]) if captions else None


def tally_shard(record: LabelRecord, config: Config, field: str | None, storage: Storage) -> Tally:
    """What the samples of a labelled shard mention, of those that pass the quality filter.

    Samples whose caption or metadata cannot be read are not counted.
    """
    schema = schema_of(config)
    columns = [*schema.pattern_columns[: len(schema.attributes)], "offset"]
    wanted = [*columns, *filter_columns(config)]
    table = read_labels(storage, record, wanted, schema.derived)
    if config.filter:
        table = table.filter(pa.array(is_balanced(table, config)))
    flags = [table.column(column).to_numpy() for column in columns[:-1]]
    sides = sides_of(np.column_stack(flags).astype(np.bool_), schema.attributes)
    row_of = {offset: row for row, offset in enumerate(table.column("offset").to_pylist())}
    tally = Tally(sides.shape[1])
    found = _found(record, config, field, row_of)
    while part := list(islice(found, _SAMPLES_AT_ONCE)):
        rows = np.array([row for row, _ in part])
        tally.add([mentioned for _, mentioned in part], sides[rows])
    return tally


def _found(
    record: LabelRecord, config: Config, field: str | None, row_of: dict[int, int]
) -> Iterator[tuple[int, frozenset[str]]]:
    """The row of each sample that can be read, and what it mentions."""
    source = config.input
    members = Members(image=(), caption=source.members.caption, metadata=source.members.metadata)
    shard = record.shard
    with open_tar(shard.url, source.storage_options, size=shard.bytes) as stream:
        for entry in read_entries(stream, source, members):
            if isinstance(entry, Sample) and entry.offset in row_of:
                mentioned = mentions(entry, source, field)
                if mentioned is not None:
                    yield row_of[entry.offset], mentioned


def _is_candidate(word: str) -> bool:
    return (
        len(word) <= _LONGEST
        and word not in _FUNCTION_WORDS
        and any(map(str.isalpha, word))
        and not (len(word) == 1 and word.isascii())
    )


def _encodable(text: str) -> str:
    """`text` without lone surrogates, which JSON may hold and Arrow may not."""
    return text.encode("utf-8", "replace").decode()
