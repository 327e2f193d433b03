"""The stages in one process, a shard after the other."""
