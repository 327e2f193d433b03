"""The environment of pages' templates."""

import re
from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def environment(package: str) -> Environment:
    """The templates of a package: all escaped, nothing undefined, no character no page can hold."""
    return environment_of(package, printable, autoescape=True)


def environment_of(package: str, shown: Callable[[str], str], **options: Any) -> Environment:
    """The templates of a package, nothing undefined, each text as it is `shown`, but for markup."""

    def finished(value: Any) -> Any:
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return shown(value) if is_text else value

    return Environment(
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        finalize=finished,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )


def printable(text: str) -> str:
    """Text without what no page can hold: control characters and lone surrogates."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
