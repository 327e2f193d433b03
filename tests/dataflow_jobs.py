"""Dataflow's own runner in its own dry run: the jobs that it would submit are kept, none is."""

from typing import Any, ClassVar

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.dataflow import dataflow_runner
from apache_beam.runners.dataflow.internal import apiclient
from google.cloud import dataflow


class DataflowRunner(dataflow_runner.DataflowRunner):
    """Has its parent's name, by which Beam knows that options must hold for the service."""

    jobs: ClassVar[list[apiclient.Job]] = []

    def run_pipeline(
        self, pipeline: Any, options: PipelineOptions, pipeline_proto: Any = None
    ) -> Any:
        result = super().run_pipeline(pipeline, options, pipeline_proto)
        self.jobs.append(result.job)
        return result


OPTIONS = (
    f"--runner={__name__}.{DataflowRunner.__name__}",
    "--dry_run=True",
    "--no_auth",
    "--project=some-project",
    "--region=europe-west4",
    "--job_name=fairshard",
    "--temp_location=gs://some-bucket/temp",
    "--staging_location=gs://some-bucket/staging",
)


def environment_of(job: apiclient.Job) -> dataflow.Environment:
    """The part of the request that says what machines the job gets."""
    environment: dataflow.Environment = apiclient.Environment(
        packages=[],
        options=job.options,
        environment_version=apiclient._FNAPI_ENVIRONMENT_MAJOR_VERSION,
        proto_pipeline_staged_url="gs://some-bucket/staging/pipeline.pb",
        proto_pipeline=job.proto_pipeline,
    ).proto
    return environment
