"""Commands that help to decide what to ask for."""
