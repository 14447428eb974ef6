"""Run: freeze the plan in a folder, run what is missing by an executor, rate and write."""

from goalkeeper.running.options import Finished, Measured, RunOptions, Sizing, Started, Warned
from goalkeeper.running.orchestration import open_store, run
from goalkeeper.running.record import frameworks_of, read_policy, report_context
from goalkeeper.running.sizing import check_effort, settle_effort

__all__ = [
    "Finished",
    "Measured",
    "RunOptions",
    "Sizing",
    "Started",
    "Warned",
    "check_effort",
    "frameworks_of",
    "open_store",
    "settle_effort",
    "read_policy",
    "report_context",
    "run",
]
