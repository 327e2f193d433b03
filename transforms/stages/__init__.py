"""The steps that every engine wires together."""
