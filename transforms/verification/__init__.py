"""A second opinion on an output: all of it recomputed, with no code of the solver's."""
