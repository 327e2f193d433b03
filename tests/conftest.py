"""Settings of every test; Beam's are read before Beam is loaded, as in a command."""

from importlib import import_module

from hypothesis import settings

from transforms.stages.registrations import load_registrations

settings.register_profile("fairshard", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fairshard")

import_module("pipelines.beam")
load_registrations()
