"""The section `gates` of the configuration."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from transforms.config.urls import Url


class Gates(BaseModel):
    """Whether artefacts are checked between the stages, and the user's own expectations.

    `expectations` is a YAML or JSON file, on any storage that fsspec knows.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    expectations: Annotated[Url, Field(min_length=1)] | None = None
