"""What can be added to fairshard from one file, or by an installed package, made known."""

from functools import cache

from transforms.config.balancers import BALANCERS
from transforms.config.exporters import EXPORTERS
from transforms.config.writers import WRITERS
from transforms.recognition import recognisers


@cache
def load_registrations() -> None:
    """Register what configurations name, once in a process: before one is read, and in workers."""
    recognisers.load()
    WRITERS.load("transforms.resampling.formats")


@cache
def load_balancers() -> None:
    """Register what M4 is compared with, once in a process: no worker needs it."""
    BALANCERS.load("transforms.baselines.balancers")


@cache
def load_exporters() -> None:
    """Register what outputs are exported in, once in a process: no worker needs it."""
    EXPORTERS.load("transforms.exports.formats")
