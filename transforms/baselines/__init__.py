"""Other balancers, to compare M4 with."""
