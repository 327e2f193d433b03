"""A worker process of the embedded Beam engine: Beam's own, silent on standard error.

What a worker logs, and the error that ends it, reach the engine over Beam's services.
"""

import logging
import os
import sys


def main() -> None:
    """Serve Beam until the engine ends."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")
    logging.getLogger().addHandler(logging.NullHandler())
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


if __name__ == "__main__":
    main()
