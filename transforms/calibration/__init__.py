"""Recognisers that err, corrected by hand-checked samples."""
