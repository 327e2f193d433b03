"""Outputs as versions before the draw left them: whose plans do not say what is drawn."""

from pathlib import Path

from tests.tampering import edit_json
from transforms.plan.plan import read_plan
from transforms.storage import paths
from transforms.storage.files import Storage


def of_earlier_version(storage: Storage) -> Storage:
    """The output, with its plan as it would have been; what was drawn stays."""
    storage.delete(paths.FLIPS)
    storage.delete(paths.DRAW)
    edit_json(Path(storage.path(paths.PLAN)), lambda plan: plan.pop("draw"))
    identity = read_plan(storage).identity
    edit_json(Path(storage.path(paths.MANIFEST)), lambda manifest: manifest.update(plan=identity))
    return storage
