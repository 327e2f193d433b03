"""Gates: what must hold of the artefacts between two stages, checked by Great Expectations."""
