"""Environment variables in the paths and URLs of a configuration."""

import os
import re

from transforms.base.errors import ConfigError

_VARIABLE = re.compile(r"\$(?:(\$)|\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def with_variables(text: str, key: str) -> str:
    """`text` with the values of `$NAME` and `${NAME}` in it; `$$` is a `$`.

    Raises ConfigError, which names the `key`, where a variable is not set or is empty.
    """

    def value(found: re.Match[str]) -> str:
        if found[1]:
            return "$"
        name = found[3] or found[2]
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"{key}: ${{{name}}} is no environment variable: write ${{NAME}}, or $$ for a $"
            )
        if not os.environ.get(name):
            state = "is empty" if name in os.environ else "is not set"
            raise ConfigError(
                f"{key}: the environment variable {name} {state}: set it, or write $$ for a $"
            )
        return os.environ[name]

    return _VARIABLE.sub(value, text)
