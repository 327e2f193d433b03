"""The shards of an input as files below one folder: what indices of a folder call them."""

from collections.abc import Sequence

from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted
from transforms.labels.records import LabelRecord
from transforms.shards.naming import path_of


def below_one_folder(records: Sequence[LabelRecord]) -> tuple[str, list[str]]:
    """The innermost folder that holds all shards, and each one's path from there, in order.

    FairshardError where they are not on one storage.
    """
    urls = [path_of(redacted(record.shard.url)) for record in records]
    folders = [url.split("/")[:-1] for url in urls]
    first, last = min(folders), max(folders)
    same = [one == other for one, other in zip(first, last, strict=False)]
    depth = same.index(False) if False in same else len(same)
    if depth < (3 if "://" in urls[0] else 1):
        raise FairshardError(
            f"the input's shards lie in no folder that has all of them ({min(urls)}, {max(urls)}): "
            "give input.shards of one place, and label and solve again"
        )
    return "/".join(first[:depth]) or "/", ["/".join(url.split("/")[depth:]) for url in urls]
