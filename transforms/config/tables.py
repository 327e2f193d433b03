"""Tables of labels and scores that others made, and what their rows are joined to samples by."""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from transforms.config.forms import Section, as_tuple
from transforms.config.urls import Url

Urls = Annotated[tuple[Url, ...], BeforeValidator(as_tuple)]
By = Literal["key", "field", "member"]


class TableKey(Section):
    """What a row is joined by, in columns of the table.

    column: that of the sample's key or, with `field`, of what the sample's metadata has there. tar,
    member: those of the name of the sample's tar, and of the sample's key or a member of it.
    """

    column: str | None = Field(None, min_length=1)
    field: str | None = Field(None, min_length=1)
    tar: str | None = Field(None, min_length=1)
    member: str | None = Field(None, min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _spell_out(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"column": given}
        if isinstance(given, list | tuple):
            if len(given) != 2:
                raise ValueError("should be two columns, as in [tar, member]")
            return dict(zip(("tar", "member"), given, strict=True))
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        by_member = self.tar is not None and self.member is not None
        if (self.column is not None) == by_member or (self.tar is None) != (self.member is None):
            raise ValueError(
                "should be a column of the samples' keys, as in key; or {column: uid, field: uid}, "
                "a column and a metadata field; or [tar, member], the columns of both names"
            )
        if self.field is not None and by_member:
            raise ValueError("a row is joined by tar and member, or by a field: give one of them")
        return self

    @model_serializer(mode="wrap")
    def _as_given(self, dump: SerializerFunctionWrapHandler) -> Any:
        values = {key: value for key, value in dump(self).items() if value is not None}
        return values["column"] if [*values] == ["column"] else values

    @property
    def by(self) -> By:
        """What of a sample it is."""
        if self.tar is not None:
            return "member"
        return "key" if self.field is None else "field"

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's columns."""
        return tuple(one for one in (self.column, self.tar, self.member) if one is not None)


class RowSource(Section):
    """Files whose rows are joined to samples.

    missing: what becomes of a sample without a row. layout: whether a file is of the shard that is
    named as it is (`shards`), or any file may have any sample's rows (`any`); `auto` finds out.
    """

    url: Urls = Field(min_length=1)
    missing: Literal["absent", "reject"] = "absent"
    layout: Literal["auto", "shards", "any"] = "auto"
    storage_options: dict[str, Any] = Field({})


class TableSource(RowSource):
    """A table in Parquet, CSV or JSON lines; `format`: null is what the files' names say."""

    key: TableKey
    format: Literal["parquet", "csv", "jsonl"] | None = None
