"""A DAG for each engine: label, gate, solve, gate, (approval), resample, gate, report.

A run's parameters are its configuration file and, where it differs, its output. A task that is
retried resumes: every stage trusts what completion records say is done, and does the rest. A plan
that does not meet what was asked for is no failure that is tried again: a person is asked. See
docs/airflow.md.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.providers.apache.beam.operators.beam import BeamRunPythonPipelineOperator
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.google.cloud.operators.dataflow import DataflowConfiguration
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task
from airflow.sdk.bases.operator import BaseOperator
from fairshard_report import ReportOperator

PYTHON = os.environ.get("FAIRSHARD_PYTHON", "python3")
SUBMIT = os.environ.get(
    "FAIRSHARD_SPARK_SUBMIT", str(Path(__file__).resolve().parents[2] / "spark" / "submit.py")
)
PARAMS = {
    "config": Param(
        type="string", minLength=1, description="The configuration, where workers of Airflow see it"
    ),
    "output": Param(default="", type="string", description="In place of its output.url"),
    "approve_above": Param(
        default=0.5,
        type="number",
        minimum=0,
        maximum=1,
        description="Wait for approval if the plan drops more than this share of the samples",
    ),
    "allow_unmet": Param(
        default=False,
        type="boolean",
        description="Do not wait for approval if the plan does not meet what was asked for",
    ),
}
ENDS_UNMET = ("solve", "resample")
OPTIONS = {"config": "{{ params.config }}", "output": "{{ params.output }}"}
Stage = Callable[[str], BaseOperator]


def beam(stage: str) -> BaseOperator:
    """A stage on Beam's local runner, in processes of this Airflow worker's machine."""
    return BeamRunPythonPipelineOperator(
        task_id=_task_id(stage),
        runner="DirectRunner",
        py_interpreter=PYTHON,
        py_options=["-m"],
        py_file="jobs.stage",
        pipeline_options=_options(stage),
    )


def dataflow(stage: str) -> BaseOperator:
    """A stage on Dataflow, with the project and region of Airflow's Google connection."""
    return BeamRunPythonPipelineOperator(
        task_id=_task_id(stage),
        runner="DataflowRunner",
        py_interpreter=PYTHON,
        py_options=["-m"],
        py_file="jobs.stage",
        pipeline_options=_options(stage),
        dataflow_config=DataflowConfiguration(
            job_name="fairshard-{{ task.task_id | replace('_', '-') }}",
            location="{{ var.value.get('fairshard_region', 'us-central1') }}",
            wait_until_finished=True,
        ),
    )


def spark(stage: str) -> BaseOperator:
    """A stage by spark-submit, to the master of the connection `spark_default`."""
    return SparkSubmitOperator(
        task_id=_task_id(stage),
        name=f"fairshard {stage}",
        application=SUBMIT,
        application_args=[
            *stage.split("-"),
            OPTIONS["config"],
            "--engine=spark",
            "{{ '--output=' ~ params.output if params.output else '--json' }}",
            *(["--allow-unmet"] if stage in ENDS_UNMET else []),
        ],
        env_vars={"PYSPARK_PYTHON": PYTHON},
    )


def here(
    stage: str, operator: type[BashOperator] = BashOperator, task_id: str = ""
) -> BaseOperator:
    """A stage that needs no engine: it runs here, and what it says becomes its XCom."""
    return operator(
        task_id=task_id or _task_id(stage),
        bash_command='"$PYTHON" -P -m jobs.stage --stage="$STAGE" --config="$CONFIG" '
        '--output="$OUTPUT"',
        env={
            "PYTHON": PYTHON,
            "STAGE": stage,
            "CONFIG": OPTIONS["config"],
            "OUTPUT": OPTIONS["output"],
        },
        append_env=True,
        output_processor=json.loads,
    )


def fairshard_dag(engine: str, on_engine: Stage) -> DAG:
    """The stages of a run in their order, those that need an engine made by `on_engine`."""
    with DAG(
        f"fairshard_{engine}",
        description="Rebalance an image-text corpus: label, solve M4, resample, with gates between",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        params=PARAMS,
        default_args={"retries": 3},
        tags=["fairshard"],
        doc_md=__doc__,
    ) as dag:
        planned = here("summary", task_id="plan")
        approval = ApprovalOperator(
            task_id="approve",
            subject="The plan of {{ params.config }} drops "
            "{{ '%.1f' % (100 * ti.xcom_pull('plan')['dropped_share']) }} % of the samples"
            "{{ '' if ti.xcom_pull('plan')['met'] else ', and is unmet' }}",
            body="{{ ti.xcom_pull('plan') | tojson(indent=2) }}",
        )
        resample = on_engine("resample")
        resample.trigger_rule = "none_failed_min_one_success"
        gates = on_engine("gate-labels"), here("gate-plan"), here("gate-output")
        for gate in gates:
            gate.retries = 1

        @task.branch
        def weigh(plan: dict[str, Any], params: dict[str, Any]) -> str:
            """Ask a person where the plan drops more than was agreed, or misses what was asked."""
            unmet = not plan["met"] and not params["allow_unmet"]
            drops = plan["dropped_share"] > params["approve_above"]
            return "approve" if drops or unmet else "resample"

        weighed = weigh(planned.output)
        (on_engine("label") >> gates[0] >> on_engine("solve") >> gates[1] >> planned)
        weighed >> approval >> resample
        weighed >> resample
        resample >> gates[2] >> here("summary", ReportOperator, "report")
    return dag


def _options(stage: str) -> dict[str, Any]:
    return {"stage": stage, "engine": "beam", "allow-unmet": stage in ENDS_UNMET, **OPTIONS}


def _task_id(stage: str) -> str:
    return stage.replace("-", "_")


for name, made_by in {"beam": beam, "dataflow": dataflow, "spark": spark}.items():
    fairshard_dag(name, made_by)
