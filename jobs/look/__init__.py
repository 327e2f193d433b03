"""Commands that look at an output."""
