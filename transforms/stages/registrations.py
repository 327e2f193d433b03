"""What can be added to fairshard from one file, loaded where a configuration is read."""

from functools import cache

from transforms.config.balancers import BALANCERS


@cache
def load_registrations() -> None:
    """Load fairshard's own entries, and those of installed packages, once in a process."""
    BALANCERS.load("transforms.baselines.balancers")
