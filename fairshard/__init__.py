"""fairshard from Python: rebalance webdataset shards, or weight the rows of a table.

    import fairshard
    balanced = fairshard.balance(table, attributes={"woman": 0.5}, labels=["nurse"], rate=0.7)
    balanced.weights, balanced.plan, balanced.certificate

Errors are FairshardErrors: one sentence that says what is wrong, where, and what to do.
"""

from fairshard.balanced import BalancedTable, Certificate, TablePlan
from fairshard.balancing import balance
from fairshard.runs import (
    export,
    label,
    preview,
    read_config,
    rebalance,
    resample,
    solve,
    verify,
    why,
)
from fairshard.summaries import (
    BiasChange,
    CheckSummary,
    ExportSummary,
    LabelSummary,
    OutputSummary,
    PlanSummary,
    PreviewSummary,
    Verification,
    WhySummary,
)
from transforms.base.errors import (
    ConfigError,
    FairshardError,
    GateError,
    StaleError,
    UnreachableError,
)
from transforms.config.sections import Config

__all__ = [
    "BalancedTable",
    "BiasChange",
    "Certificate",
    "CheckSummary",
    "Config",
    "ConfigError",
    "ExportSummary",
    "FairshardError",
    "GateError",
    "LabelSummary",
    "OutputSummary",
    "PlanSummary",
    "PreviewSummary",
    "StaleError",
    "TablePlan",
    "UnreachableError",
    "Verification",
    "WhySummary",
    "balance",
    "export",
    "label",
    "preview",
    "read_config",
    "rebalance",
    "resample",
    "solve",
    "verify",
    "why",
]
