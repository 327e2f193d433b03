"""Which file of metadata belongs to which file of vectors, by their names."""

import re
from collections.abc import Callable, Hashable, Sequence

from transforms.base.counts import first_of
from transforms.base.errors import FairshardError
from transforms.base.redaction import redacted_url
from transforms.shards.naming import path_of

_PART = re.compile(r"(?:img_emb|text_emb|metadata)_(?=.)")
_FOLDERS = {"img_emb", "text_emb", "metadata"}
_NUMBER = re.compile(r"(\d+)\D*$")
_MOST_NAMED = 3


def paired(vectors: Sequence[str], others: Sequence[str], key: str) -> list[str]:
    """The one of `others` that belongs to each of `vectors`, all URLs.

    As clip-retrieval names them (metadata_0.parquet is of img_emb_0.npy), by the same stem (DataComp),
    where stems come twice by their folders too, else by the last number of their names. Raises
    FairshardError, at the `key` of the others, where one has none.
    """
    for name_of in (_stem, _in_folder, _number):
        by_name = {name_of(url): url for url in others}
        names = [name_of(url) for url in vectors]
        unlike = len(by_name) == len(others) and len({*names}) == len(names)
        if unlike and None not in names and {*names} <= by_name.keys():
            return [by_name[name] for name in names]
    stems = {_stem(url) for url in others}
    alone = next((url for url in vectors if _stem(url) not in stems), vectors[0])
    there_are = first_of([_file(url) for url in others], _MOST_NAMED)
    raise FairshardError(
        f"{key}: it cannot be told which file belongs to {redacted_url(alone)}: let both be named "
        f"alike, as img_emb_0.npy and metadata_0.parquet, or 0.npz and 0.parquet; there are: "
        f"{there_are}"
    )


def beside(vectors: str) -> str:
    """Where the metadata of a file of vectors lies, as clip-retrieval and DataComp have it."""
    path, question, query = vectors.partition("?") if path_of(vectors) != vectors else (vectors, "", "")
    folder, slash, file = path.rpartition("/")
    above, _, own = folder.rpartition("/")
    stem = file.rpartition(".")[0]
    if own == "img_emb":
        folder = f"{above}/metadata"
    return f"{folder}{slash}{re.sub('^img_emb_', 'metadata_', stem)}.parquet{question}{query}"


def _file(url: str) -> str:
    return path_of(url).rpartition("/")[2]


def _stem(url: str) -> str:
    file = _file(url)
    return _PART.sub("", file.rpartition(".")[0] or file, count=1)


def _in_folder(url: str) -> Hashable:
    folders = path_of(url).split("/")[:-1]
    if folders and folders[-1] in _FOLDERS:
        folders.pop()
    return (*folders, _stem(url))


def _number(url: str) -> int | None:
    found = _NUMBER.search(_stem(url))
    return int(found[1]) if found else None
