"""fairshard from Python: rebalance webdataset shards, or weight the rows of a table.

    import fairshard
    balanced = fairshard.balance(table, attributes={"woman": 0.5}, labels=["nurse"], rate=0.7)
    balanced.weights, balanced.plan, balanced.certificate

Errors are FairshardErrors: one sentence that says what is wrong, where, and what to do.
"""

from fairshard.balanced import BalancedTable, Certificate, TablePlan
from fairshard.balancing import balance
from fairshard.runs import (
    drift,
    export,
    label,
    preview,
    read_config,
    rebalance,
    resample,
    solve,
    transfer,
    verify,
    why,
)
from fairshard.summaries import (
    BiasChange,
    CheckSummary,
    DriftSummary,
    ExportSummary,
    LabelSummary,
    OutputSummary,
    PlanSummary,
    PreviewSummary,
    TransferSummary,
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
    "DriftSummary",
    "ExportSummary",
    "FairshardError",
    "GateError",
    "LabelSummary",
    "OutputSummary",
    "PlanSummary",
    "PreviewSummary",
    "StaleError",
    "TablePlan",
    "TransferSummary",
    "UnreachableError",
    "Verification",
    "WhySummary",
    "balance",
    "drift",
    "export",
    "label",
    "preview",
    "read_config",
    "rebalance",
    "resample",
    "solve",
    "transfer",
    "verify",
    "why",
]
