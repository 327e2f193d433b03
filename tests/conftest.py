"""Settings of every test."""

from hypothesis import settings

from transforms.stages.registrations import load_registrations

settings.register_profile("fairshard", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fairshard")

load_registrations()
