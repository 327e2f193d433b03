"""A worker process of the embedded Beam engine: Beam's own, silent on standard error.

What a worker logs, and the error that ends it, reach the engine over Beam's services.
"""

import logging
import os
import sys
import threading
import time
from contextlib import redirect_stderr

ENGINE = "FAIRSHARD_ENGINE_PID"
_LOOK_SECONDS = 1.0


def main() -> None:
    """Serve Beam until the engine ends."""
    threading.Thread(target=_end_with, args=(int(os.environ[ENGINE]),), daemon=True).start()
    logging.getLogger().addHandler(logging.NullHandler())
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main(sys.argv)


def _end_with(engine: int) -> None:
    """End this process soon after the engine's: Beam's own would wait for it for minutes."""
    while os.getppid() == engine:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
