"""Webdataset shards: found, read, renamed, copied, written."""
