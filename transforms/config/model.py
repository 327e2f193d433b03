"""The model that labels images."""

from typing import Literal

from pydantic import Field

from transforms.config.forms import Section
from transforms.config.urls import Url


class Model(Section):
    """The open_clip model: a registered name, `local-dir:PATH` or `hf-hub:ID`.

    `pretrained` may be a tag of open_clip, a path, or any fsspec URL of a checkpoint.
    """

    name: str = Field(min_length=1)
    pretrained: Url | None = None
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    batch_size: int = Field(256, gt=0)
    decode_threads: int = Field(4, gt=0)
