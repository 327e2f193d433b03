"""The stages on Apache Beam.

A process that runs them, or has, may be forked, as PyTorch's loaders do: gRPC, which Beam talks to
workers with, is told to leave forked processes alone. Its own care for them can end them, where a
connection is in use meanwhile (gRPC reads this once, as its first connection is made).
"""

import os

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
