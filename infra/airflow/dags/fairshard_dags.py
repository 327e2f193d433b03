"""Two DAGs for each engine: a run from labels to report, and one that adds to a corpus that grows.

The first: label, gate, solve, gate, (approval), resample, gate, report. The second: label, drift,
then append, or (approval and) rebuild, or nothing.

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
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param, task
from airflow.sdk.bases.operator import BaseOperator
from fairshard_report import ReportOperator

PYTHON = os.environ.get("FAIRSHARD_PYTHON", "python3")
SUBMIT = os.environ.get(
    "FAIRSHARD_SPARK_SUBMIT", str(Path(__file__).resolve().parents[2] / "spark" / "submit.py")
)
WHERE = {
    "config": Param(
        type="string", minLength=1, description="The configuration, where workers of Airflow see it"
    ),
    "output": Param(default="", type="string", description="In place of its output.url"),
}
PARAMS = {
    **WHERE,
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
GROWING = {
    **WHERE,
    "least": Param(
        default=0.0,
        type="number",
        minimum=0,
        maximum=1,
        description="Do nothing while new samples are less than this share of all",
    ),
    "approve_rebuild": Param(
        default=True,
        type="boolean",
        description="Wait for approval before the whole output is made anew",
    ),
}
ENDS_UNMET = ("solve", "resample", "rebalance")
OPTIONS = {"config": "{{ params.config }}", "output": "{{ params.output }}"}
Stage = Callable[..., BaseOperator]


def beam(stage: str, flag: str = "") -> BaseOperator:
    """A stage on Beam's local runner, in processes of this Airflow worker's machine.

    flag: an option of the stage, which names the task.
    """
    return BeamRunPythonPipelineOperator(
        task_id=flag or _task_id(stage),
        runner="DirectRunner",
        py_interpreter=PYTHON,
        py_options=["-m"],
        py_file="jobs.stage",
        pipeline_options=_options(stage, flag),
    )


def dataflow(stage: str, flag: str = "") -> BaseOperator:
    """A stage on Dataflow, with the project and region of Airflow's Google connection."""
    return BeamRunPythonPipelineOperator(
        task_id=flag or _task_id(stage),
        runner="DataflowRunner",
        py_interpreter=PYTHON,
        py_options=["-m"],
        py_file="jobs.stage",
        pipeline_options=_options(stage, flag),
        dataflow_config=DataflowConfiguration(
            job_name="fairshard-{{ task.task_id | replace('_', '-') }}",
            location="{{ var.value.get('fairshard_region', 'us-central1') }}",
            wait_until_finished=True,
        ),
    )


def spark(stage: str, flag: str = "") -> BaseOperator:
    """A stage by spark-submit, to the master of the connection `spark_default`."""
    return SparkSubmitOperator(
        task_id=flag or _task_id(stage),
        name=f"fairshard {stage}",
        application=SUBMIT,
        application_args=[
            *stage.split("-"),
            OPTIONS["config"],
            "--engine=spark",
            "{{ '--output=' ~ params.output if params.output else '--json' }}",
            *(["--allow-unmet"] if stage in ENDS_UNMET else []),
            *([f"--{flag}"] if flag else []),
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
        '--output="$OUTPUT" --least="$LEAST"',
        env={
            "PYTHON": PYTHON,
            "STAGE": stage,
            "CONFIG": OPTIONS["config"],
            "OUTPUT": OPTIONS["output"],
            "LEAST": "{{ params.least }}" if stage == "drift" else "",
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


def growing_dag(engine: str, on_engine: Stage) -> DAG:
    """What is new of a corpus is labelled; then drift decides what is done about it."""
    with DAG(
        f"fairshard_grow_{engine}",
        description="Add what is new of a corpus to its output, or make that anew: drift decides",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        params=GROWING,
        default_args={"retries": 3},
        tags=["fairshard"],
        doc_md=__doc__,
    ) as dag:
        drift = here("drift")
        append, rebuild = on_engine("rebalance", "append"), on_engine("rebalance", "rebuild")
        report = here("summary", ReportOperator, "report")
        for task_of_one_branch in (rebuild, report):
            task_of_one_branch.trigger_rule = "none_failed_min_one_success"
        approval = ApprovalOperator(
            task_id="approve",
            subject="The output of {{ params.config }} is to be made anew",
            body="{{ ti.xcom_pull('drift')['why'] | join('\n\n') }}",
        )

        @task.branch
        def decide(drift: dict[str, Any], params: dict[str, Any]) -> str:
            """Do what drift advises; ask a person before all is made anew, if that was agreed."""
            asks = drift["advice"] == "rebuild" and params["approve_rebuild"]
            return "approve" if asks else drift["advice"]

        decided = decide(drift.output)
        on_engine("label") >> drift
        decided >> [append, approval, rebuild, EmptyOperator(task_id="nothing")]
        approval >> rebuild
        [append, rebuild] >> report
    return dag


def _options(stage: str, flag: str) -> dict[str, Any]:
    flags = {flag: True} if flag else {}
    unmet = {"allow-unmet": stage in ENDS_UNMET}
    return {"stage": stage, "engine": "beam", **unmet, **flags, **OPTIONS}


def _task_id(stage: str) -> str:
    return stage.replace("-", "_")


for name, made_by in {"beam": beam, "dataflow": dataflow, "spark": spark}.items():
    fairshard_dag(name, made_by)
    growing_dag(name, made_by)
