"""A worker process of the embedded Beam engine: Beam's own, silent on standard error.

What a worker logs, and the error that ends it, reach the engine over Beam's services.
"""

import logging
import os
import sys
from contextlib import redirect_stderr


def main() -> None:
    """Serve Beam until the engine ends."""
    logging.getLogger().addHandler(logging.NullHandler())
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
