"""Secrets taken out of what is shown or kept: of URLs, and of values that are named as secrets."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

_SECRET = (
    r"token|secret|passw(?:or)?d|passphrase|signature|credential|authorization|"
    r"(?:access|account|api|private|shared)[_-]?key|connection[_-]?string"
)
_USER = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#'\"<>]*)@")
_QUERY = re.compile(r"([?&][\w.%~-]+=)[^&#\s'\"<>]+")
_NAMED = re.compile(
    rf"\b([\w-]*(?:{_SECRET})[\w-]*=)(?:'[^']*'|\"[^\"]*\"|[^\s,;&)}}\]'\"]+)", re.I
)
_QUOTED = re.compile(
    rf"((['\"])[\w .-]*(?:{_SECRET})[\w .-]*\2\s*[:=]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s,)}}\]]+)", re.I
)
_BEARER = re.compile(r"\b((?:authorization:\s*\w+|bearer)\s+)[\w.~+/=-]{8,}", re.I)
_IS_SECRET = re.compile(_SECRET, re.I)
_ON_THE_WEB = re.compile(r"https?://", re.I)
_HELD_WHOLE = frozenset(("storage_options", "headers"))


def redacted(text: str) -> str:
    """`text` without the secrets that can be told by their place.

    Those are user and password of a URL, the values of a URL's query (signatures, SAS and other
    tokens), bearer tokens, and values after a name such as token, secret or password.
    """
    text = _USER.sub(_hidden_user, text)
    text = _QUERY.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    text = _QUOTED.sub(rf"\1'{HIDDEN}'", text)
    return _BEARER.sub(rf"\1{HIDDEN}", text)


def redacted_url(url: str) -> str:
    """As `redacted`, but a path on a disk or in an object store, up to a `?`, holds no secret."""
    if "://" not in url:
        return url
    if _ON_THE_WEB.search(url):
        return redacted(url)
    return _QUERY.sub(rf"\1{HIDDEN}", _USER.sub(_hidden_user, url))


def without_user(url: str) -> str:
    """`url` without the user and password that `redacted` hides."""
    return _USER.sub(lambda found: found[1] if _is_secret_user(found) else found[0], url)


def redacted_values(value: Any) -> Any:
    """A JSON value, every text in it `redacted`; storage options and headers lose all values.

    What is named `url` is one: see `redacted_url`.
    """
    match value:
        case str():
            return redacted(value)
        case Mapping():
            return {key: _entry(str(key), entry) for key, entry in value.items()}
        case list() | tuple():
            return [redacted_values(entry) for entry in value]
        case _:
            return value


def _entry(name: str, value: Any) -> Any:
    if name in _HELD_WHOLE and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    if isinstance(value, str) and _IS_SECRET.search(name):
        return HIDDEN
    return redacted_url(value) if (name, type(value)) == ("url", str) else redacted_values(value)


def _hidden_user(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}@" if _is_secret_user(found) else found[0]


def _is_secret_user(found: re.Match[str]) -> bool:
    """Whether the text before the @ is user and password; abfs://container@account holds none."""
    return ":" in found[2] or found[1].lower() in ("http://", "https://")
