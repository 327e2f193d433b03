"""The problem M4 and its solver."""
