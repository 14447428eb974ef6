"""One row for each attack and task: what attackers pay, and the other grants folded into it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from goalkeeper.report.finding import AttackerCost, Finding


@dataclass(frozen=True, slots=True)
class AttackRow:
    """An attack on a task: its leading attack run, and the others, made with other grants."""

    lead: Finding
    others: tuple[Finding, ...]

    @property
    def runs(self) -> tuple[Finding, ...]:
        """All attack runs, the leading one first."""
        return (self.lead, *self.others)

    @property
    def attackers(self) -> tuple[AttackerCost, ...]:
        """Every attacker who can mount the attack, once: as in the first run that has it."""
        found: dict[str, AttackerCost] = {}
        for run in self.runs:
            for cost in run.attackers:
                found.setdefault(cost.attacker, cost)
        return tuple(found.values())


def attack_rows(findings: Iterable[Finding]) -> tuple[AttackRow, ...]:
    """Group attack runs by attack and task, in the order of the first; what decides leads."""
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.title, []).append(finding)
    rows = []
    for runs in found.values():
        lead = next((run for run in runs if run.decides), runs[0])
        rows.append(AttackRow(lead, tuple(run for run in runs if run is not lead)))
    return tuple(rows)
