"""Which file of metadata belongs to which file of vectors, by their names."""

import re
from collections.abc import Hashable, Sequence

from transforms.base.counts import first_of
from transforms.base.errors import ConfigError
from transforms.base.redaction import redacted_url
from transforms.config.shard_patterns import literally
from transforms.config.urls import on_the_web
from transforms.shards.naming import path_of

_PART = re.compile(r"(?:img_emb|text_emb|metadata)_(?=.)")
_FOLDERS = {"img_emb", "text_emb", "metadata"}
_NUMBER = re.compile(r"(\d+)\D*$")
_MOST_NAMED = 3


def paired(vectors: Sequence[str], others: Sequence[str], key: str) -> list[str]:
    """The one of `others` that belongs to each of `vectors`, all URLs.

    As clip-retrieval names them (metadata_0.parquet is of img_emb_0.npy), or DataComp (by the same
    stem); where stems come twice by their folders too, else by the last number of their names.
    Raises ConfigError, at the `key` of the others, where one has none.
    """
    if len(vectors) == len(others) == 1:
        return [*others]
    for name_of in (_stem, _in_folder, _number):
        by_name = {name_of(url): url for url in others}
        names = [name_of(url) for url in vectors]
        unlike = len(by_name) == len(others) and len({*names}) == len(names)
        if unlike and {*names} <= by_name.keys() - {None}:
            return [by_name[name] for name in names]
    stems = {_stem(url) for url in others}
    alone = next((url for url in vectors if _stem(url) not in stems), vectors[0])
    there_are = first_of([_file(url) for url in others], _MOST_NAMED)
    raise ConfigError(
        f"{key}: it cannot be told which file belongs to {redacted_url(alone)}: let both be named "
        f"alike, as img_emb_0.npy and metadata_0.parquet, or 0.npz and 0.parquet; there are: "
        f"{there_are}"
    )


def beside(vectors: Sequence[str]) -> tuple[str, ...]:
    """Patterns of the metadata of files of vectors, where clip-retrieval and DataComp have it.

    Of web servers, which may list nothing, each file is named.
    """
    return tuple(dict.fromkeys(map(_beside, vectors)))


def _beside(vectors: str) -> str:
    path = path_of(vectors)
    folder, _, file = path.rpartition("/")
    above, _, own = folder.rpartition("/")
    folder = f"{above}/metadata" if own == "img_emb" else folder
    if not on_the_web(vectors):
        return f"{literally(folder)}/*.parquet"
    stem = re.sub("^img_emb_", "metadata_", file.rpartition(".")[0])
    return f"{folder}/{stem}.parquet{vectors[len(path) :]}"


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
