"""What can be added to fairshard from one file, or by an installed package, made known."""

from functools import cache

from transforms.config.balancers import BALANCERS
from transforms.config.writers import WRITERS
from transforms.recognition import recognisers


@cache
def load_registrations() -> None:
    """Register all of it, once in a process: before a configuration is read or labels are made."""
    recognisers.load()
    BALANCERS.load("transforms.baselines.balancers")
    WRITERS.load("transforms.resampling.formats")
