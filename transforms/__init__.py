"""The core of fairshard: plain Python on Arrow and NumPy, the same under every engine."""
