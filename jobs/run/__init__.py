"""Commands that run stages."""
