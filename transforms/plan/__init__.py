"""The plan: made, kept on file, polished."""
