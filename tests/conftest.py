"""Settings of every test."""

from importlib.util import find_spec

from hypothesis import settings

settings.register_profile("fairshard", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("fairshard")

if find_spec("kubeflow_spark_api") is None:  # make infra-test has it, and runs these
    collect_ignore_glob = ["test_infra_*.py"]
