"""What a verification reads of the configuration that a plan was made with."""

from typing import Any

from pydantic import BaseModel, Field, field_validator


class NameEntry(BaseModel):
    target: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    all_of: list[str] = []
    any_of: list[str] = []
    none_of: list[str] = []


class GroupEntry(BaseModel):
    share_of: str | None = None
    crossed: list[str] = []
    names: dict[str, NameEntry] = {}


class ColumnEntry(BaseModel):
    table: str
    name: str


class FilterEntry(BaseModel):
    """A condition of the quality filter; `opposite` is what must not hold."""

    min_similarity: float | None = None
    field: str = ""
    column: ColumnEntry | None = None
    values: list[str | bool | int | float] = []
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    matches: list[str] = []
    present: bool | None = None
    opposite: "FilterEntry | None" = Field(None, alias="not")

    @property
    def place(self) -> str:
        """What it is of, as a plan names it."""
        if self.column is not None:
            return f"{self.column.table}.{self.column.name}"
        return "min_similarity" if self.min_similarity is not None else self.field

    @property
    def bounds(self) -> dict[str, float]:
        """The bounds that are given, by their keys."""
        bounds = (self.at_least, self.above, self.at_most, self.below)
        named = zip(("at_least", "above", "at_most", "below"), bounds, strict=True)
        return {key: bound for key, bound in named if bound is not None}


class OverrideEntry(BaseModel):
    attributes: list[str] = []
    labels: list[str] = []
    max_representation_bias: float | None = None
    max_association_bias: float | None = None
    max_label_skew: float | None = None


class GenerationBoundsEntry(BaseModel):
    max_representation_bias: float | None = None
    max_association_bias: float | None = None
    max_label_skew: float | None = None


class BalanceEntry(BaseModel):
    eta: float | str
    Q: float
    V: float | str | dict[str, float | str]
    priority: list[str] = []
    max_representation_bias: float | None
    max_association_bias: float | None
    max_label_skew: float | None
    generation: GenerationBoundsEntry | None = None
    overrides: list[OverrideEntry] = []
    max_patterns: int = 10_000_000


class CorpusEntry(BaseModel):
    tables: list[str] = []
    key_column: str | None = None


class ConfigEntry(BaseModel):
    input: CorpusEntry = CorpusEntry()
    attributes: dict[str, GroupEntry]
    labels: dict[str, GroupEntry] = {}
    filter: list[FilterEntry] = []
    seed: int
    balance: BalanceEntry

    @field_validator("filter", mode="before")
    @classmethod
    def _conditions(cls, value: Any) -> Any:
        """A condition alone is a list of it, null is none."""
        return [value] if isinstance(value, dict) else value or []
