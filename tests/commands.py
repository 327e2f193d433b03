"""The `fairshard` command, run in this process."""

import pytest

from jobs.cli import main


def run(*arguments: object) -> int:
    """Its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)
