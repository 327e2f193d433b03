"""Kinds of errors: known by name wherever they come from, they say what it takes to go on."""

import errno
import os

import pytest

from transforms.base.errors import (
    DeviceMemoryError,
    FairshardError,
    ForbiddenError,
    FullError,
    UnreachableError,
    error_in,
    kind_of,
    remedy_of,
    storage_error,
)


def kinds(base: type[FairshardError] = FairshardError) -> list[type[FairshardError]]:
    """An error and all its kinds."""
    below = [kind for child in base.__subclasses__() for kind in kinds(child)]
    return [base, *(kind for kind in below if kind.__module__ == FairshardError.__module__)]


@pytest.mark.parametrize("kind", kinds())
def test_a_kind_comes_back_from_a_workers_traceback_with_what_it_takes(
    kind: type[FairshardError],
) -> None:
    found = error_in(f"Traceback\n{kind.__module__}.{kind.__name__}: it failed [while running 'x']")
    assert type(found) is kind
    assert remedy_of(kind.__name__) == kind.remedy


def test_only_what_passes_by_itself_takes_nothing() -> None:
    assert [kind.__name__ for kind in kinds() if not kind.remedy] == ["TransientError"]


def test_of_other_errors_it_is_said_that_nobody_expected_them() -> None:
    assert remedy_of("ZeroDivisionError").startswith("report the error, if it comes again")
    assert remedy_of(None) == FairshardError.remedy
    assert "more memory" in remedy_of(kind_of(MemoryError()))
    assert remedy_of("OutOfMemoryError") == DeviceMemoryError.remedy


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, FullError),
        (errno.EDQUOT, FullError),
        (errno.EACCES, ForbiddenError),
        (errno.EPERM, ForbiddenError),
        (errno.EROFS, ForbiddenError),
        (errno.EIO, UnreachableError),
        (errno.ECONNRESET, UnreachableError),
    ],
)
def test_a_storages_failure_is_of_the_kind_that_the_system_says(
    number: int, kind: type[FairshardError]
) -> None:
    error = OSError(number, os.strerror(number))
    assert type(storage_error(error, "x")) is kind
    assert kind_of(error) == kind.__name__


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, ForbiddenError),
        (403, ForbiddenError),
        (503, UnreachableError),
        (None, UnreachableError),
    ],
)
def test_so_is_a_servers(status: int | None, kind: type[FairshardError]) -> None:
    error = OSError("no")
    error.status = status  # type: ignore[attr-defined]
    assert type(storage_error(error, "x")) is kind
