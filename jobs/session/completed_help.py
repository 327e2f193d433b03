"""Help that names what can be added: that is loaded as the help is shown, for no other command."""

from collections.abc import Callable, Iterable
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperOption

from transforms.config.registry import Registry


def completed_by(complete: Callable[[TyperCommand], None]) -> type[TyperCommand]:
    """A kind of command whose help `complete` completes before it is shown."""

    class Completed(TyperCommand):
        def format_help(self, ctx: Any, formatter: Any) -> None:
            complete(self)
            super().format_help(ctx, formatter)

    return Completed


def tell(command: TyperCommand, parameter: str, more: str) -> None:
    """Say `more` in the help of a parameter."""
    for one in command.params:
        if one.name == parameter and isinstance(one, TyperArgument | TyperOption):
            one.help = f"{one.help or ''} {more}".lstrip()


def entries(registry: Registry[Any], names: Iterable[str]) -> str:
    """What the entries of those names are, in a line."""
    return "; ".join(f"{name}: {registry[name].about}" for name in names) + "."
