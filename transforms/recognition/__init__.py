"""Whatever turns a sample into labels."""
