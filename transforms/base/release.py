"""Which fairshard this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """The version of this fairshard; "unknown" where it is not installed."""
    try:
        return version("fairshard")
    except PackageNotFoundError:
        return "unknown"
