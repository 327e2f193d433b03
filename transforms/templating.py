"""The environment of the pages' templates."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """Templates of this package: everything escaped, nothing undefined."""
    return Environment(
        loader=PackageLoader("transforms", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
