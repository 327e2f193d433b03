"""The configuration: its sections, files and URLs, and the schema that follows from it."""
