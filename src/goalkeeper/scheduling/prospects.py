"""Which attack runs can decide a verdict at all, known before any of them is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from goalkeeper.core.evidence import Status
from goalkeeper.core.goals import Goal
from goalkeeper.planning import Plan, PlanEntry
from goalkeeper.planning.evidence import require
from goalkeeper.policy import Policy

Secrecy = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Stakes:
    """What verdicts depend on: needs, rules, and how well the operator keeps secrets."""

    needs: Mapping[Goal, int]
    policy: Policy
    secrecy: Secrecy

    def cost(self, entry: PlanEntry) -> int:
        """Return the least attack potential of an entry: before a query, and before computing."""
        rules = self.policy.rating
        return rules.cost_of(require(entry), self.secrecy, queries=0, compute_h=0).points

    def goals(self, entry: PlanEntry) -> tuple[Goal, ...]:
        """Return the goals whose verdict the entry can change."""
        if not entry.standing.decides:
            return ()
        cost, required = self.cost(entry), self.policy.rating.required_attack_potential
        needs = ((goal, self.needs.get(goal, 0)) for goal in entry.goals)
        return tuple(goal for goal, need in needs if need and cost < required[need])


def narrow(plan: Plan, stakes: Stakes) -> Plan:
    """Leave out the attack runs that no verdict can depend on, with the reason.

    Attacks that the user chose are made whatever depends on them, and so is everything where the
    user asked for it.
    """
    if plan.choice.complete:
        return plan
    deciding = {entry.unit.id for entry in plan.entries if entry.unit and stakes.goals(entry)}
    entries = (_narrowed(entry, plan, stakes, deciding) for entry in plan.entries)
    return replace(plan, entries=tuple(entries))


def _narrowed(entry: PlanEntry, plan: Plan, stakes: Stakes, deciding: Collection[str]) -> PlanEntry:
    if entry.unit is None or stakes.goals(entry):
        return entry
    reason = _explain(entry, stakes)
    named = entry.standing.decides and set(entry.goals) & set(plan.choice.goals)
    if (plan.choice.all_goals or named) and not _is_too_costly(entry, stakes):
        shared = entry.unit.id in deciding  # with an attacker for whom it stops when it is settled
        return entry if shared else replace(entry, interim=None)
    return replace(entry, unit=None, interim=None, status=Status.NOT_NEEDED, reasons=(reason,))


def _is_too_costly(entry: PlanEntry, stakes: Stakes) -> bool:
    """Return whether it is its attack potential alone that keeps an entry from deciding."""
    return entry.standing.decides and any(stakes.needs.get(goal, 0) for goal in entry.goals)


def _explain(entry: PlanEntry, stakes: Stakes) -> str:
    if not entry.standing.decides:
        return f"counts for no verdict ({entry.standing.reason}); --all runs it"
    if not _is_too_costly(entry, stakes):
        goals = " or ".join(entry.goals)
        return f"no protection need is declared for {goals}; --all runs it"
    required = stakes.policy.rating.required_attack_potential
    most = max(required[need] for g in entry.goals if (need := stakes.needs.get(g, 0)))
    return (
        f"costs this attacker an attack potential of {stakes.cost(entry)} or more, and only "
        f"attacks below {most} decide; --exhaustive runs it"
    )
