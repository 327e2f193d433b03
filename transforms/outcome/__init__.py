"""An output read back: its verdict and its metrics."""
