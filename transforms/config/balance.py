"""What is asked of the balanced corpus: bounds, rate, and what comes first where not all can be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from transforms.base.errors import ConfigError
from transforms.config.forms import Section, Words, as_tuple

Bound = Annotated[float, Field(ge=0, le=1)]
Kind = Literal["representation", "association", "skew", "share"]
KINDS: tuple[Kind, ...] = get_args(Kind)
AUTO: Literal["auto"] = "auto"
MAX_BOUNDS = ("max_representation_bias", "max_association_bias", "max_label_skew")


def _number_or_auto(value: Any, meaning: str) -> Any:
    """A number above 0, also as the text that YAML takes `1e3` for, or auto."""
    if value == AUTO:
        return value
    try:
        number = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        number = float("nan")
    if not number > 0:
        raise ValueError(f"should be a number above 0 or {AUTO} ({meaning}), not {value!r}")
    return number if isinstance(value, str) else value


def _rate(value: Any) -> Any:
    return _number_or_auto(value, "the largest rate at which everything asked for is attainable")


def _price(value: Any) -> Any:
    least = "as high as it takes to miss as little as there is to miss"
    if not isinstance(value, dict):
        return _number_or_auto(value, least)
    for kind in value:
        if kind not in KINDS:
            raise ValueError(f"names {kind!r}; the kinds of constraints are {', '.join(KINDS)}")
    return {kind: _number_or_auto(one, least) for kind, one in value.items()}


def _each_once(kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise ValueError(f"names {kind} twice")
    return kinds


OpenNumber = float | Literal["auto"]
Rate = Annotated[OpenNumber, BeforeValidator(_rate)]
Price = Annotated[OpenNumber | dict[Kind, OpenNumber], BeforeValidator(_price)]
Priority = Annotated[tuple[Kind, ...], BeforeValidator(as_tuple), AfterValidator(_each_once)]


@dataclass(frozen=True, slots=True)
class ShareBound:
    """A bound on the share of an attribute, or of a label, of the kept samples.

    It is the most that share may be (sign 1), or the least (-1).
    """

    attribute: str | None
    label: str | None
    sign: Literal[1, -1]
    bound: float

    @property
    def name(self) -> str:
        """The attribute or the label."""
        return self.attribute or self.label or ""


class Override(Section):
    """Other bounds for some attributes, labels, or pairs of them, by name or by group."""

    attributes: Words = ()
    labels: Words = ()
    max_representation_bias: Bound | None = None
    max_association_bias: Bound | None = None
    max_label_skew: Bound | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.labels and self.max_representation_bias is not None:
            raise ValueError("max_representation_bias is of attributes alone: give no labels")
        bounds = (self.max_representation_bias, self.max_association_bias, self.max_label_skew)
        if all(bound is None for bound in bounds):
            raise ValueError("give at least one of the max_* bounds; 1 asks for nothing")
        return self


class GenerationBounds(Section):
    """What is asked of what one generation writes, by itself, beside what all have written.

    Where an override loosens a bound, these are no tighter than the override.
    """

    max_representation_bias: Bound | None = None
    max_association_bias: Bound | None = None
    max_label_skew: Bound | None = None

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        bounds = (self.max_representation_bias, self.max_association_bias, self.max_label_skew)
        if all(bound is None for bound in bounds):
            raise ValueError("give at least one of the max_* bounds; 1 asks for nothing")
        return self


class Balance(Section):
    """What is asked of the balanced corpus, and the M4 problem's other numbers.

    The bounds are in the measures of the paper ("CLIP the Bias"); eta, Q and V are named as there
    (algorithm 1). eta may be left open: auto is the largest at which everything asked for is
    attainable. A bound that is null is not asked for. V may be given by kind of constraint; what
    it does not name is auto. `priority`: which kinds are met first, where not all can be.
    `generation`: bounds on what a run adds to an output that grows, by itself. Of a corpus of more
    than max_patterns patterns so many samples at most are solved on (transforms/plan/polishing.py).
    """

    eta: Rate
    Q: float = Field(1.0, gt=0)
    V: Price = AUTO
    priority: Priority = ()
    _shares: tuple[ShareBound, ...] = PrivateAttr(())
    _of_generation: tuple[Override, ...] | None = PrivateAttr(None)
    max_representation_bias: Bound | None = 0.01
    max_association_bias: Bound | None = 0.05
    max_label_skew: Bound | None = None
    generation: GenerationBounds | None = None
    overrides: tuple[Override, ...] = ()
    max_patterns: int = Field(10_000_000, gt=0)

    @model_validator(mode="after")
    def _attainable_rate(self) -> Self:
        if not isinstance(self.eta, str) and self.eta > self.Q:
            raise ValueError(
                f"eta = {self.eta:g} is above Q = {self.Q:g}: the mean weight cannot exceed "
                "the largest one; lower eta or raise Q"
            )
        return self

    @model_validator(mode="after")
    def _priority_of_what_is_open(self) -> Self:
        for kind in self.priority:
            if kind in self.prices:
                raise ValueError(
                    f"priority names {kind}, and V is a number for it: what comes first is met at "
                    f"any price; leave its V {AUTO}, or it out of priority"
                )
        return self

    @model_serializer(mode="wrap")
    def _dump(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what came later, where it is not given: digests stay what they were."""
        values: dict[str, Any] = dumped(self)
        later = ("priority", "generation")
        return {key: value for key, value in values.items() if key not in later or value}

    @property
    def rate(self) -> float:
        """eta as a number; ConfigError where it is left open."""
        if isinstance(self.eta, str):
            raise ConfigError("balance.eta: auto is left open here; give a number")
        return self.eta

    @property
    def prices(self) -> dict[Kind, float]:
        """What violations cost, by the kinds of constraints for which V says it."""
        given = self.V if isinstance(self.V, dict) else dict.fromkeys(KINDS, self.V)
        return {kind: V for kind, V in given.items() if not isinstance(V, str)}

    @property
    def ranks(self) -> tuple[tuple[Kind, ...], ...]:
        """The kinds whose total excess is to be the least there is, those met first at first."""
        named = tuple((kind,) for kind in self.priority)
        rest = tuple(kind for kind in KINDS if kind not in {*self.priority, *self.prices})
        return (*named, rest) if rest else named

    @property
    def shares(self) -> tuple[ShareBound, ...]:
        """The bounds on shares that names have (transforms/config/schema.py)."""
        return self._shares

    def with_shares(self, shares: Iterable[ShareBound]) -> Self:
        """The same asked for with these bounds on shares."""
        copied = self.model_copy()
        copied._shares = tuple(shares)
        return copied

    @property
    def of_generation(self) -> tuple[Override, ...]:
        """All that is asked of a generation by itself, as overrides of nothing."""
        if self._of_generation is not None:
            return self._of_generation
        if self.generation is None:
            return ()
        own = {bound: getattr(self.generation, bound) for bound in MAX_BOUNDS}
        given = (self._in_generation(override, own) for override in self.overrides)
        return (Override(**own), *(override for override in given if override is not None))

    def asking_of_generation(self, overrides: Iterable[Override]) -> Self:
        """The same asked for, but these alone of a generation by itself."""
        copied = self.model_copy()
        copied._of_generation = tuple(overrides)
        return copied

    def _in_generation(
        self, override: Override, own: Mapping[str, float | None]
    ) -> Override | None:
        """What an override says of a generation whose `own` bounds hold elsewhere."""
        bounds: dict[str, float] = {}
        for bound, least in own.items():
            given, before = getattr(override, bound), getattr(self, bound)
            if given is not None and least is not None:
                looser = before is not None and given > before
                bounds[bound] = max(given, least) if looser else least
        names = {"attributes": override.attributes, "labels": override.labels}
        return Override.model_validate({**names, **bounds}) if bounds else None

    def at(self, rate: float) -> Self:
        """The same asked for at another rate."""
        return self.model_copy(update={"eta": rate})
