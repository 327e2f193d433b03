"""Export formats: a module each, which registers an exporter."""
