"""The task that ends a run: the bias before and after as its XCom, the report as its link."""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import BaseOperatorLink
from airflow.sdk.bases.operator import BaseOperator
from airflow.sdk.bases.xcom import BaseXCom as XCom


class ReportLink(BaseOperatorLink):
    """The report's page, beside the task in Airflow's own pages."""

    name = "Report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Where the report is; '' before the task has ended."""
        summary = XCom.get_value(ti_key=ti_key, key="return_value")
        return summary["report"] if summary else ""


class ReportOperator(BashOperator):
    """Sums a finished run up."""

    operator_extra_links = (ReportLink(),)


class FairshardPlugin(AirflowPlugin):
    """What Airflow loads this file for."""

    name = "fairshard"
    operator_extra_links: ClassVar = [ReportLink()]
