"""Output formats: a module each, which registers a writer."""
