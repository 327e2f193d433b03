"""The stages wired to an engine; the work itself is in `transforms`."""
