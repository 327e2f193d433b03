"""The share that is wanted of a name among the kept samples, and bounds on it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from transforms.config.forms import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class ShareLimits(Section):
    """at_least and at_most bound the share of the kept samples."""

    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} is above at_most {self.at_most:g}")
        return self


class WantedShare(ShareLimits):
    """The share wanted of an attribute (pi_k); without a target there are only bounds on it."""

    target: Share | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        least, target, most = self.at_least, self.target, self.at_most
        if least is None and target is None and most is None:
            raise ValueError("asks for nothing: give a target, at_least or at_most")
        if target is not None and not (least or 0.0) <= target <= (most or 1.0):
            raise ValueError(f"the target {target:g} is not within at_least and at_most")
        return self
