"""Harden: try defences on an application, and keep what is shown to help."""

from goalkeeper.hardening.orchestration import HardenOptions, harden
from goalkeeper.hardening.records import GoalEffect, Hardening, SideEffect, TriedDefence

__all__ = [
    "GoalEffect",
    "HardenOptions",
    "Hardening",
    "SideEffect",
    "TriedDefence",
    "harden",
]
