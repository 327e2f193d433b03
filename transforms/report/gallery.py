"""A few sample pictures for the report, chosen by hash: who was kept and who was dropped."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray
from PIL import Image, ImageOps

from transforms.base.errors import FairshardError
from transforms.config.schema import schema_of
from transforms.config.sections import Config
from transforms.labels.records import LabelRecord
from transforms.plan.plan import Plan
from transforms.recognition.decoding import Decoder
from transforms.recognition.fields import parse, values_at
from transforms.resampling.drawing import draw
from transforms.shards.samples import Sample, open_tar, read_samples
from transforms.statistics.counting import is_balanced
from transforms.storage.files import Storage

MOST_GROUPS = 10
EACH = 3
NO_ATTRIBUTE = "none of these"
_MOST_SHARDS = 8
_SIDE = 160
_QUALITY = 72
_MOST_BYTES = 32 * 2**20
_MOST_UNZIPPED = 64 * 2**20
_MOST_CAPTION = 180

Slot = tuple[str, bool]


@dataclass(frozen=True)
class Choice:
    """A sample that the report shows: where it is, its attributes and labels, q and its copies."""

    record: LabelRecord
    key: str
    offset: int
    size: int
    names: tuple[str, ...]
    weight: float
    copies: int


@dataclass(frozen=True)
class Picture:
    """A chosen sample as the page shows it.

    image is a data: URI, or "" where `problem` says why there is none.
    """

    choice: Choice
    image: str
    caption: str
    problem: str


@dataclass(frozen=True)
class SampleGroup:
    """Samples that carry one attribute (or none): a few kept ones, a few dropped ones."""

    name: str
    kept: tuple[Picture, ...]
    dropped: tuple[Picture, ...]


def sample_groups(
    plan: Plan,
    config: Config,
    records: Sequence[LabelRecord],
    storage: Storage,
    input_options: Mapping[str, Any],
) -> tuple[SampleGroup, ...]:
    """Samples of the first attributes, and of none, all chosen by hash from a few shards.

    Raises FairshardError where the label tables are gone or have changed; where an input shard is
    or has, its samples come without pictures.
    """
    attributes = [attribute.name for attribute in schema_of(config).attributes]
    groups = [*attributes[: MOST_GROUPS - 1], NO_ATTRIBUTE]
    chosen: dict[Slot, list[Choice]] = {
        (name, kept): [] for name in groups for kept in (True, False)
    }
    labelled = (record for record in records if record.samples)
    for record in sorted(labelled, key=lambda record: _hash(record.shard.name))[:_MOST_SHARDS]:
        if all(len(choices) == EACH for choices in chosen.values()):
            break
        _choose(record, plan, config, storage, chosen)
    decoder = Decoder(_small, _SIDE, config.input.limits.max_pixels)
    shown = {
        slot: tuple(_picture(choice, config, decoder, input_options) for choice in choices)
        for slot, choices in chosen.items()
    }
    found = (SampleGroup(name, shown[name, True], shown[name, False]) for name in groups)
    return tuple(group for group in found if group.kept or group.dropped)


def _choose(
    record: LabelRecord,
    plan: Plan,
    config: Config,
    storage: Storage,
    chosen: dict[Slot, list[Choice]],
) -> None:
    """Fill up `chosen` from one shard, in order of hashed key."""
    schema = schema_of(config)
    drawn = draw(record, plan, config, storage)
    m = len(schema.attributes)
    copies = np.bincount(drawn.row, minlength=drawn.table.num_rows)
    order = np.argsort([_hash(key) for key in drawn.table.column("key").to_pylist()])
    carried: dict[str, NDArray[np.bool_]] = {
        attribute.name: drawn.flags[:, k] for k, attribute in enumerate(schema.attributes)
    }
    carried[NO_ATTRIBUTE] = np.logical_not(drawn.flags[:, :m].any(axis=1))
    for (name, kept), choices in chosen.items():
        suits = carried[name] & ((copies > 0) == kept)
        rows = order[suits[order]][: EACH - len(choices)]
        table, flags = drawn.table.take(pa.array(rows)), drawn.flags[rows]
        weights = plan.weights(flags, table.column("utility").to_numpy())
        weights = np.where(is_balanced(table, config), weights, 0.0)
        names = [*carried][:m] + list(schema.labels)
        for position, entry in enumerate(table.select(["key", "offset", "size"]).to_pylist()):
            present = tuple(np.array(names)[flags[position]].tolist())
            choice = Choice(
                record,
                **entry,
                names=present,
                weight=float(weights[position]),
                copies=int(copies[rows[position]]),
            )
            choices.append(choice)


def _picture(
    choice: Choice, config: Config, decoder: Decoder, input_options: Mapping[str, Any]
) -> Picture:
    try:
        sample = _sample(choice, config, dict(input_options))
    except FairshardError as error:
        return Picture(choice, "", "", str(error))
    except Exception:  # storage libraries raise exceptions of their own
        return Picture(choice, "", "", f"the shard {choice.record.shard.url} cannot be read")
    caption = _caption(sample, config)
    try:
        return Picture(choice, _thumbnail(sample, config, decoder), caption, "")
    except ValueError as error:
        return Picture(choice, "", caption, str(error))


def _sample(choice: Choice, config: Config, input_options: dict[str, Any]) -> Sample:
    """The sample read again, its byte range alone; FairshardError where it is not there."""
    url = choice.record.shard.url
    if choice.size > _MOST_BYTES:
        raise FairshardError("too large to show")
    content = io.BytesIO(_range(choice, input_options))
    entries = read_samples(content, config.input.members, config.input.limits)
    found = next((entry for entry in entries if isinstance(entry, Sample)), None)
    if found is None or found.key != choice.key:
        raise FairshardError(f"the shard {url} changed after it was labelled")
    return found


def _range(choice: Choice, input_options: dict[str, Any]) -> bytes:
    url, offset, size = choice.record.shard.url, choice.offset, choice.size
    if choice.record.compression == "":
        system, path = fsspec.core.url_to_fs(url, **input_options)
        return bytes(system.cat_file(path, start=offset, end=offset + size))
    if offset > _MOST_UNZIPPED:
        raise FairshardError("too deep in a compressed shard to show")
    with open_tar(url, input_options) as stream:
        stream.seek(offset)
        return stream.read(size)


def _caption(sample: Sample, config: Config) -> str:
    """The start of the caption as text; "" where there is none."""
    source = config.input
    if source.caption_field is None:
        found = (sample.members.get(extension.lower()) for extension in source.members.caption)
        text = next((content for content in found if content is not None), b"")
        return _shortened(text.decode("utf-8", "replace"))
    contents = (sample.members.get(extension.lower()) for extension in source.members.metadata)
    content = next((content for content in contents if content is not None), b"{}")
    try:
        values = values_at(parse(content), source.caption_field)
    except ValueError:
        return ""
    return _shortened(str(next(values, "")))


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CAPTION else text[: _MOST_CAPTION - 1] + "…"


def _thumbnail(sample: Sample, config: Config, decoder: Decoder) -> str:
    """The image, made small and encoded anew, as a data: URI; ValueError where there is none."""
    extensions = (extension.lower() for extension in config.input.members.image)
    content = next((sample.members[name] for name in extensions if name in sample.members), None)
    if content is None:
        raise ValueError("it has no image")
    sink = io.BytesIO()
    Image.fromarray(decoder.decode(content)).save(sink, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(sink.getvalue()).decode()}"


def _small(image: Image.Image) -> Image.Image:
    return ImageOps.contain(image.convert("RGB"), (_SIDE, _SIDE))


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogateescape"))
