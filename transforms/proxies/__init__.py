"""Labels worth balancing."""
