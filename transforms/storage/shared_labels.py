"""Labels that lie apart from their output, and that many outputs share: where, and whose."""

import json
from collections.abc import Iterable
from typing import Any, Literal

from fsspec.core import url_to_fs
from pydantic import TypeAdapter

from transforms.base.errors import ConfigError
from transforms.base.places import Places
from transforms.base.redaction import redacted_url
from transforms.storage import paths
from transforms.storage.documents import Document, found
from transforms.storage.files import Storage


class LabelsApart(Document):
    """done/labels.json of an output: where its labels are, and the input shards that it has.

    form: the version of the file's own form.
    """

    form: Literal[1] = 1
    url: str
    shards: tuple[str, ...]


_FORM = TypeAdapter(LabelsApart)


def opened(url: str, options: dict[str, Any]) -> Storage:
    """The output at `url`, its labels wherever it says that they are."""
    storage = Storage(url, options)
    apart = _apart(storage)
    return Storage(url, options, apart.url) if apart else storage


def own_shards(storage: Storage) -> frozenset[str] | None:
    """The input shards whose labels are of this output; None where all that are there are."""
    if storage.labels is None:
        return None
    apart = _apart(storage)
    return frozenset(apart.shards if apart else ())


def check_apart(storage: Storage) -> None:
    """Raise ConfigError where an output and its labels lie in each other's own folders.

    And where what is given for the labels is the folder of tables of another output.
    """
    if storage.labels is None:
        return
    given = f"output.labels: {storage.labels}"
    in_output, own_folder = _not_apart(storage)
    if in_output:
        raise ConfigError(
            f"{given} lies in the output {storage.url}: leave it out, and labels lie there, or "
            "give a folder apart"
        )
    if own_folder:
        raise ConfigError(
            f"the output {storage.url} lies in {own_folder}, which is fairshard's own in "
            "output.labels: give output.url a folder apart"
        )
    above, _, last = storage.labels.rstrip("/").rpartition("/")
    if last == paths.LABELS and Storage(above, storage.options).names(paths.LABEL_RECORDS):
        raise ConfigError(
            f"{given} holds the tables alone of the labels in {above}: give output.labels: {above}"
        )


def _not_apart(storage: Storage) -> tuple[bool, str]:
    """Whether labels lie in their output, and the folder of theirs that it lies in, or ""."""
    labels = storage.of_labels
    try:
        output_system, output_path = url_to_fs(storage.url, **storage.options)
        system, path = url_to_fs(labels.url, **labels.options)
    except Exception:  # what cannot be opened is not written to: whoever tries says why
        return False, ""
    outputs, places = Places(output_system), Places(system)
    output = outputs.of(output_path)
    above = output | outputs.around(output_path)
    own = (folder for folder in paths.OWN_FOLDERS if above & places.of(f"{path}/{folder}"))
    return bool(places.around(path) & output), next(map(labels.path, own), "")


def keep_place(shards: Iterable[str], storage: Storage) -> None:
    """Put on file where the labels of an output are, and of which input shards."""
    if storage.labels is None:
        storage.delete(paths.LABELS_APART)
        return
    kept = {"form": 1, "url": redacted_url(storage.labels), "shards": sorted(shards)}
    storage.settle(paths.LABELS_APART, f"{json.dumps(kept, indent=1)}\n".encode())


def _apart(storage: Storage) -> LabelsApart | None:
    lost = "its labels are looked for in the output; give its configuration, or run it again"
    return found(storage, paths.LABELS_APART, _FORM, lost)
