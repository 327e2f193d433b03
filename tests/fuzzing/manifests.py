"""manifest.json, read back: its parts are there, or a sentence."""

from tests.fuzzing.artefacts import STORAGE, artefacts, put
from tests.fuzzing.editing import edited
from transforms.base.errors import FairshardError
from transforms.resampling.manifest import read_manifest
from transforms.storage import paths


def seeds() -> list[bytes]:
    """A manifest, and its JSON with other things in it."""
    manifest = artefacts()[paths.MANIFEST]
    return [manifest, manifest.replace(b"[", b"{"), b"{}", b"null", b"[" * 2000]


def check(content: bytes) -> None:
    """Read `content`, and a right one that it edits, as a manifest, and what readers read of it."""
    for candidate in (content, edited(seeds()[0], content)):
        _check(candidate)


def _check(content: bytes) -> None:
    put(paths.MANIFEST, content)
    try:
        manifest = read_manifest(STORAGE)
    except FairshardError:
        return
    assert manifest.plan.encode("utf-8", "replace") is not None
    assert sum(shard.samples for shard in manifest.shards) is not None
    assert manifest.to_json()
