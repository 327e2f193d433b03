"""Files of an output on any storage: where they are, how they appear, how they are read back."""
