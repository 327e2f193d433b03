"""How far the label stage is where tables are joined, told from an output's files."""

import time
from datetime import datetime

from transforms.stages.join_notes import noted_step
from transforms.storage import paths
from transforms.storage.files import Storage


class JoinProgress:
    """Follows the reading of `to_read` shards, then the steps of joining that come after it."""

    def __init__(self, storage: Storage, to_read: int) -> None:
        self._storage = storage
        self._to_read = to_read
        self._since = time.time()
        self._seen = storage.versions(paths.RECOGNISED_RECORDS)
        self.line = ""

    def poll(self) -> None:
        """See how far it is now."""
        note = noted_step(self._storage)
        if note is not None and datetime.fromisoformat(note.since).timestamp() >= self._since:
            done, total, doing = note.done(self._storage), note.total, note.doing
        elif self._to_read:
            done, total, doing = self._read(), self._to_read, "reading shards"
        else:
            return
        self.line = f"{doing}, {min(done, total):,} of {total:,}"

    def _read(self) -> int:
        found = self._storage.versions(paths.RECOGNISED_RECORDS)
        return sum(self._seen.get(name) != version for name, version in found.items())
