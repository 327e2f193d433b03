"""Measures as documents give them, and what a plan says of its draw."""

from typing import Literal

from pydantic import BaseModel


class Figures(BaseModel):
    """Measures as a document gives them; None where undefined."""

    samples: float
    share: list[float | None]
    RB: list[float | None]
    AB: list[list[float | None]]
    skew: list[list[float | None]]
    label_share: list[float | None]


class FlipsEntry(BaseModel):
    count: int
    bytes: int
    digest: str


class ShardsEntry(BaseModel):
    by: Literal["samples", "bytes"]
    bytes: int
    digest: str


class DrawEntry(BaseModel):
    """What a plan says of the samples that are to be written."""

    copies: int
    kept: int
    measures: Figures
    as_labelled: Figures | None = None
    union: Figures | None = None
    excess: float
    flips: FlipsEntry | None = None
    shards: ShardsEntry | None = None
