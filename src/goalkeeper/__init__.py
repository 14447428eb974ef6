"""Evaluate the security of an AI application: describe, plan, run, mark, rate, advise, report."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goalkeeper import attacks
    from goalkeeper.assessing import assess, run_attack
    from goalkeeper.assessing import plan_runs as plan
    from goalkeeper.attacks import catalogue
    from goalkeeper.comparing import Comparison, compare
    from goalkeeper.compute.executor import Execution
    from goalkeeper.core.application import Application, Property, Tolerances
    from goalkeeper.core.assessment import Assessment, Verdict
    from goalkeeper.core.data import Data, Splits, cut
    from goalkeeper.core.domain import Column, TableDomain, TextDomain
    from goalkeeper.core.errors import GoalkeeperError
    from goalkeeper.core.evidence import Evidence, Status
    from goalkeeper.core.goals import Goal
    from goalkeeper.core.power import Attacker, Budget, Knowledge, Power
    from goalkeeper.core.threats import ImageThreat, TableThreat, TextThreat, Threats
    from goalkeeper.describe import load
    from goalkeeper.hardening import Hardening, HardenOptions, harden
    from goalkeeper.in_python import assess_model
    from goalkeeper.planning import Choice
    from goalkeeper.running import RunOptions, Sizing, run
    from goalkeeper.verification import Verification, verify

# Where each public name lives; imported on first use, so that `import goalkeeper` stays light.
_HOMES = {
    "Application": "core.application",
    "Assessment": "core.assessment",
    "Attacker": "core.power",
    "Budget": "core.power",
    "Choice": "planning",
    "Column": "core.domain",
    "Comparison": "comparing",
    "Data": "core.data",
    "Evidence": "core.evidence",
    "Execution": "compute.executor",
    "Goal": "core.goals",
    "GoalkeeperError": "core.errors",
    "HardenOptions": "hardening",
    "Hardening": "hardening",
    "ImageThreat": "core.threats",
    "Knowledge": "core.power",
    "Power": "core.power",
    "Property": "core.application",
    "RunOptions": "running",
    "Sizing": "running",
    "Splits": "core.data",
    "Status": "core.evidence",
    "TableDomain": "core.domain",
    "TableThreat": "core.threats",
    "TextDomain": "core.domain",
    "TextThreat": "core.threats",
    "Threats": "core.threats",
    "Tolerances": "core.application",
    "Verdict": "core.assessment",
    "Verification": "verification",
    "assess": "assessing",
    "assess_model": "in_python",
    "catalogue": "attacks",
    "compare": "comparing",
    "cut": "core.data",
    "harden": "hardening",
    "load": "describe",
    "plan": "assessing",
    "run": "running",
    "run_attack": "assessing",
    "verify": "verification",
}
_RENAMED = {"plan": "plan_runs"}
# Former names: the present name, and the version that no longer has the former one.
_DEPRECATED = {"play": ("run_attack", "0.3")}

__all__ = [
    "Application",
    "Assessment",
    "Attacker",
    "Budget",
    "Choice",
    "Column",
    "Comparison",
    "Data",
    "Evidence",
    "Execution",
    "Goal",
    "GoalkeeperError",
    "HardenOptions",
    "Hardening",
    "ImageThreat",
    "Knowledge",
    "Power",
    "Property",
    "RunOptions",
    "Sizing",
    "Splits",
    "Status",
    "TableDomain",
    "TableThreat",
    "TextDomain",
    "TextThreat",
    "Threats",
    "Tolerances",
    "Verdict",
    "Verification",
    "assess",
    "assess_model",
    "attacks",
    "catalogue",
    "compare",
    "cut",
    "harden",
    "load",
    "plan",
    "run",
    "run_attack",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use; warn of one that has a new name."""
    if name in _DEPRECATED:
        now, version = _DEPRECATED[name]
        message = f"goalkeeper.{name} is now goalkeeper.{now}; {version} has the new name only"
        warnings.warn(message, DeprecationWarning, stacklevel=2)
        name = now
    if name == "attacks":  # the algorithms as functions: gk.attacks.evasion.pgd
        return importlib.import_module(f"{__name__}.attacks")
    if name not in _HOMES:
        raise AttributeError(f"goalkeeper has no {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), _RENAMED.get(name, name))


def __dir__() -> list[str]:
    return sorted(__all__)
