"""Lines for people."""

from rich.console import Console

from transforms.visible import visible


def say(console: Console, line: str) -> None:
    """Print a line as it is: no markup, no colours, no wrapping."""
    console.print(visible(line), highlight=False, markup=False, soft_wrap=True)
