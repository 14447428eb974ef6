"""Harden: try defences on an application, and keep what is shown to help."""

from goalkeeper.hardening.markdown import render_hardening
from goalkeeper.hardening.orchestration import HardenOptions, harden
from goalkeeper.hardening.page import cost_cells
from goalkeeper.hardening.records import GoalEffect, Hardening, SideEffect, TriedDefence

__all__ = [
    "GoalEffect",
    "HardenOptions",
    "Hardening",
    "SideEffect",
    "TriedDefence",
    "cost_cells",
    "harden",
    "render_hardening",
]
