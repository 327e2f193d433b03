"""The recognisers that there are, each in a file of its own that registers it."""

from transforms.config.recognisers import RECOGNISERS


def load() -> None:
    """Register them, and those of installed packages."""
    RECOGNISERS.load(__name__)
