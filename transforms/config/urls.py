"""URLs in a configuration: artefacts are shown them without the secrets that they may carry."""

from typing import Annotated

from pydantic import PlainSerializer, SerializationInfo

from transforms.base.redaction import redacted


def _shown(url: str, info: SerializationInfo) -> str:
    return url if info.round_trip else redacted(url)


Url = Annotated[str, PlainSerializer(_shown, return_type=str, when_used="json-unless-none")]


def on_the_web(url: str) -> bool:
    """Whether a URL is that of a web server: it may have a query, and `?` is no pattern in it."""
    return url[:8].lower().startswith(("http://", "https://"))
