"""Suggested labels, written into a configuration: what it holds already stays as it is."""

import codecs
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.session.options import checked
from transforms.base.errors import ConfigError, FairshardError, reason_of
from transforms.config.files import parse_config
from transforms.config.yaml_insertion import with_entry
from transforms.config.yaml_text import is_file, read_text, text_in
from transforms.proxies.ranking import configured, new_group
from transforms.recognition.folding import normalised
from transforms.storage.atomic import hidden

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def check_takes_more(path: Path) -> None:
    """ConfigError where `path` is no configuration, or may not be written."""
    parse_config(read_text(path), str(path))
    if not is_file(path) or not os.access(path, os.W_OK):
        raise ConfigError(f"{path} cannot be written: give a file of yours with --into")


def add_labels(path: Path, names: Mapping[str, Any]) -> dict[str, Any]:
    """Write the labels `names` into the configuration `path`, as a group of their own.

    Those whose words it knows already are left out. What is written is the configuration that it
    was, and the labels; else ConfigError, and the file is left as it was.
    """
    origin, content = str(path), _content(path)
    text = text_in(content, origin)
    config = parse_config(text, origin)
    known = configured(config)
    added = {name: label for name, label in names.items() if normalised(_word(label)) not in known}
    group = new_group(config)
    if added:
        new = with_entry(text, "labels", group, {"names": added}, origin)
        checked(parse_config(new, origin), origin)
        _replace(path, content, _encoded(new, content))
    return {
        "file": origin,
        "group": group,
        "added": list(added),
        "there_already": [name for name in names if name not in added],
    }


def _word(label: Mapping[str, Any]) -> str:
    words = label["lexicon"] if "lexicon" in label else label["field"]["values"]
    return str(words[0])


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {reason_of(error)}") from error


def _encoded(text: str, like: bytes) -> bytes:
    """`text` in the encoding of a file that begins as `like` does."""
    for mark, encoding in _MARKS:
        if like.startswith(mark):
            return mark + text.encode(encoding)
    return text.encode()


def _replace(path: Path, old: bytes, new: bytes) -> None:
    """Put `new` in place of the `old` content of `path`, whole, with its owner and permissions."""
    whole = path.resolve()
    attempt = Path(hidden(str(whole)))
    try:
        with attempt.open("xb") as stream:
            stream.write(new)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(whole, attempt)
        with suppress(PermissionError):
            shutil.chown(attempt, whole.stat().st_uid, whole.stat().st_gid)
        if whole.read_bytes() != old:
            raise FairshardError(
                f"{path} was changed meanwhile and is left as it is: run the same command again"
            )
        attempt.replace(whole)
    except OSError as error:
        raise FairshardError(
            f"{path} cannot be written and is left as it was: {reason_of(error)}"
        ) from error
    finally:
        attempt.unlink(missing_ok=True)
