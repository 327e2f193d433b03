"""What commands have in common: a run from its options to its summary."""
