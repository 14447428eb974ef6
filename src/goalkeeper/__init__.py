"""Evaluate the security of an AI application: describe, plan, run, mark, rate, advise, report."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goalkeeper.assessing import assess, run_attack
    from goalkeeper.attacks import catalogue
    from goalkeeper.core.application import Application, Tolerances
    from goalkeeper.core.assessment import Assessment, Verdict
    from goalkeeper.core.data import Data, Splits, cut
    from goalkeeper.core.domain import Column, TableDomain, TextDomain
    from goalkeeper.core.errors import GoalkeeperError
    from goalkeeper.core.evidence import Evidence, Status
    from goalkeeper.core.goals import Goal
    from goalkeeper.core.power import Attacker, Budget, Knowledge, Power
    from goalkeeper.describe import load
    from goalkeeper.planning import make_plan as plan

# Where each public name lives; imported on first use, so that `import goalkeeper` stays light.
_HOMES = {
    "Application": "core.application",
    "Assessment": "core.assessment",
    "Attacker": "core.power",
    "Budget": "core.power",
    "Column": "core.domain",
    "Data": "core.data",
    "Evidence": "core.evidence",
    "Goal": "core.goals",
    "GoalkeeperError": "core.errors",
    "Knowledge": "core.power",
    "Power": "core.power",
    "Splits": "core.data",
    "Status": "core.evidence",
    "TableDomain": "core.domain",
    "TextDomain": "core.domain",
    "Tolerances": "core.application",
    "Verdict": "core.assessment",
    "assess": "assessing",
    "catalogue": "attacks",
    "cut": "core.data",
    "load": "describe",
    "plan": "planning",
    "run_attack": "assessing",
}
_RENAMED = {"plan": "make_plan"}

__all__ = [
    "Application",
    "Assessment",
    "Attacker",
    "Budget",
    "Column",
    "Data",
    "Evidence",
    "Goal",
    "GoalkeeperError",
    "Knowledge",
    "Power",
    "Splits",
    "Status",
    "TableDomain",
    "TextDomain",
    "Tolerances",
    "Verdict",
    "assess",
    "catalogue",
    "cut",
    "load",
    "plan",
    "run_attack",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"goalkeeper has no {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), _RENAMED.get(name, name))


def __dir__() -> list[str]:
    return sorted(__all__)
