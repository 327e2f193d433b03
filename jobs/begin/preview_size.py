"""How many samples a preview labels, and how many at most."""

SAMPLES = 300
MOST = 100_000
