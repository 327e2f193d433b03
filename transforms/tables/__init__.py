"""Rows of tables joined with samples: found, read, kept by hash buckets, matched by key."""
