"""Interrupting the main thread, in a process whose shell has it ignore Control-C."""

import signal
import subprocess
import sys
import threading

from transforms.base.interrupts import interruption

IGNORING = """
import signal, threading
from transforms.base.interrupts import interruption
signal.signal(signal.SIGINT, signal.SIG_IGN)
with interruption() as interrupt:
    try:
        threading.Thread(target=interrupt).start()
        threading.Event().wait(60)
    except KeyboardInterrupt:
        print("interrupted")
interrupt()
print("alive")
"""


def test_the_main_thread_is_interrupted_in_the_block_and_not_after_it() -> None:
    words = [sys.executable, "-c", IGNORING]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (0, "interrupted\nalive\n"), ended.stderr


def test_blocks_can_be_nested() -> None:
    seen = []
    with interruption() as outer:
        with interruption():
            pass
        try:
            threading.Thread(target=outer).start()
            threading.Event().wait(60)
        except KeyboardInterrupt:
            seen.append("outer")
    assert seen == ["outer"]
    assert signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL


def test_a_block_in_another_thread_runs_and_interrupts_nobody() -> None:
    seen = []

    def run() -> None:
        with interruption() as interrupt:
            interrupt()
            seen.append("ran")

    other = threading.Thread(target=run)
    other.start()
    other.join(60)
    assert seen == ["ran"]
