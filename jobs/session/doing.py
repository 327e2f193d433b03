"""What the process that solves is doing, wherever it runs, told from its notes in the output."""

import time

from jobs.session.ticking import QUIET_SECONDS, in_words
from transforms.stages.doing import IN_WORDS, STAGE
from transforms.storage.attempts import attempts_at
from transforms.storage.files import Storage


class Doing:
    """Follows the notes on solving that come after it: those of runs before are not of this one."""

    def __init__(self, storage: Storage, quiet_seconds: float = QUIET_SECONDS) -> None:
        self._storage = storage
        self._quiet_seconds = quiet_seconds
        self._before = {(note.name, note.started) for note in attempts_at(STAGE, storage)}
        self._name = ""
        self._since: dict[str, float] = {}

    @property
    def line(self) -> str:
        """`explaining, 12 s`; "" where nothing that takes a name is done for more than a moment."""
        seconds = time.monotonic() - self._since.get(self._name, 0.0)
        if not self._name or seconds < self._quiet_seconds:
            return ""
        return in_words(IN_WORDS[self._name], seconds)

    def poll(self) -> None:
        """See what is done now."""
        notes = attempts_at(STAGE, self._storage)
        names = [
            note.name
            for note in notes
            if note.error is None
            and note.name in IN_WORDS
            and (note.name, note.started) not in self._before
        ]
        self._name = names[0] if names else ""
        self._since.setdefault(self._name, time.monotonic())
