"""Lines for people, and streams that take any of them."""

import codecs
import io
import os
import sys
from typing import Any

import typer
from rich.console import Console

from transforms.base.errors import FairshardError, reason_of
from transforms.base.visible import visible

USAGE_ERROR: Any = typer.BadParameter.__base__
"""What typer raises where a command line is wrong, which it names nowhere."""

_ESCAPED = "fairshard.escaped"
_ANY_WIDTH = 10_000


def console(stderr: bool = False) -> Console:
    """Standard output, or error, for people; what is no terminal wraps and cuts nothing."""
    shown = Console(stderr=stderr, markup=False)
    if not shown.is_terminal:
        shown.width = _ANY_WIDTH
    return shown


def show_usage(error: Any) -> None:
    """Say what is wrong with a command line: framed on a terminal, elsewhere as it is."""
    from typer.rich_utils import rich_format_error

    if sys.stderr.isatty() or not error.format_message():
        rich_format_error(error)
    else:
        error.show()


def say(console: Console, line: str) -> None:
    """Print a line as it is: no markup, no colours, no wrapping."""
    console.print(visible(line), highlight=False, markup=False, soft_wrap=True)


def take_any_text() -> None:
    """Let standard output and error write what their encoding has not as JSON does: `\\u00b1`."""
    codecs.register_error(_ESCAPED, _escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPED)


def end_output(last: str = "") -> None:
    """Write what waits for standard output, and `last`; FairshardError where it takes none.

    Where nobody listens any more, as in `fairshard status | head -1`, the process ends quietly.
    """
    try:
        print(end=last, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            sys.exit(1)
        reason = reason_of(error)
        raise FairshardError(f"standard output cannot be written: {reason}") from error


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end
