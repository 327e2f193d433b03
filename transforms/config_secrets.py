"""URLs in a configuration: artefacts are shown them without the secrets that they may carry."""

from typing import Annotated

from pydantic import PlainSerializer, SerializationInfo

from transforms.redaction import redacted


def _shown(url: str, info: SerializationInfo) -> str:
    return url if info.round_trip else redacted(url)


Url = Annotated[str, PlainSerializer(_shown, return_type=str, when_used="json-unless-none")]
