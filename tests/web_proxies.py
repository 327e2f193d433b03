"""The environment of a machine whose way out is a proxy."""

import pytest


def behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name a proxy that does not answer, and nothing to be reached without it."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
