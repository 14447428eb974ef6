"""Plan: which attack can be run by which attacker, and why not."""

from goalkeeper.planning.making import make_plan
from goalkeeper.planning.matching import grants, needs, refusal, variant_of, view_refusal
from goalkeeper.planning.plan import (
    INTERIM_EFFORT,
    Choice,
    Plan,
    PlanEntry,
    Unit,
    describe_power,
)

__all__ = [
    "INTERIM_EFFORT",
    "Choice",
    "Plan",
    "PlanEntry",
    "Unit",
    "describe_power",
    "grants",
    "make_plan",
    "needs",
    "refusal",
    "variant_of",
    "view_refusal",
]
