"""A worker process of the local Beam engine: Beam's own, silent but for the error that ends it.

The error that ends a task reaches the engine over Beam's services.
"""

import logging
import os
import shutil
import signal
import sys
import threading
import time
from contextlib import redirect_stderr

ENGINE = "FAIRSHARD_ENGINE_PID"
SOCKETS = "FAIRSHARD_SOCKETS"
_LOOK_SECONDS = 1.0


def main() -> None:
    """Serve Beam until the engine ends; Control-C is the engine's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(int(os.environ[ENGINE]),), daemon=True).start()
    logging.getLogger().addHandler(logging.NullHandler())
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main(sys.argv)


def _end_with(engine: int) -> None:
    """End this process soon after the engine's: Beam's own would wait for it for minutes.

    The engine's sockets go too: one that was killed has left them.
    """
    while os.getppid() == engine:
        time.sleep(_LOOK_SECONDS)
    shutil.rmtree(os.environ[SOCKETS], ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main()
