"""Settings of every test."""

from hypothesis import settings

settings.register_profile("fairshard", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fairshard")
