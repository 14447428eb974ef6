"""Turn a planned entry and a result into evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Set

from goalkeeper.core.assessment import Assessment, PlanRow
from goalkeeper.core.evidence import AttackResult, Evidence, Requirement
from goalkeeper.planning.plan import PlanEntry, Unit


def build_evidence(
    entry: PlanEntry,
    result: AttackResult,
    *,
    seed: int,
    look: Unit | None = None,
    covered_by: str = "",
) -> Evidence:
    """Build the evidence of an entry; `look` is the attack run that gave the result, if one did."""
    variant, first = entry.variant, entry.task.harms[0]
    attack = look.run.attack if look else None
    interim = entry.interim
    full = interim is None or look is None or look.id != interim.id
    return Evidence(
        id=identify(entry),
        attack=entry.attack,
        task=entry.task.name,
        game=entry.game,
        family=variant.family,
        variant=variant.id,
        attacker=entry.attacker.name,
        box=entry.attacker.box,
        goals=entry.goals,
        level=first.level,
        aspect=first.aspect,
        metric=entry.task.metric,
        unit=look.id if look else "",
        requires=require(entry),
        look=2 if interim and full else 1,
        looks=2 if interim else 1,
        covered_by=covered_by,
        result=result,
        standing=entry.standing,
        settings=dict(look.settings) if look else {},
        seed=seed,
        references=((type(attack).reference,) if attack else ()) + variant.references,
        standards=variant.standards,
    )


def build_row(entry: PlanEntry, known: Set[str]) -> PlanRow:
    """Build the row of an entry; `known` holds the ids of all evidence, which the row names."""
    id_ = identify(entry)
    return entry.row().model_copy(update={"evidence": id_ if id_ in known else ""})


def used_units(assessment: Assessment) -> frozenset[str]:
    """Return the ids of the units that the evidence rests on.

    These are the ones that it names, and the interim looks that went before them.
    """
    return frozenset(_used(assessment))


def _used(assessment: Assessment) -> Iterator[str]:
    rows = {row.evidence: row for row in assessment.plan if row.evidence}
    for evidence in assessment.evidence:
        if evidence.unit:
            yield evidence.unit
            row = rows.get(evidence.id)
            if row is not None and row.interim and row.unit == evidence.unit:
                yield row.interim


def identify(entry: PlanEntry) -> str:
    """Return the id of the evidence of an entry."""
    name = (
        entry.attack,
        entry.task.name,
        entry.variant.id,
        entry.attacker.name,
        repr((entry.need.knowledge, entry.need.capabilities, entry.need.view)),
    )
    return "E" + hashlib.sha256("\0".join(name).encode()).hexdigest()[:9]


def require(entry: PlanEntry) -> Requirement:
    """Return what attack potential is computed from, as far as it does not come from the run."""
    need, budget = entry.need, entry.attacker.power.budget
    return Requirement(
        knowledge={aspect: grade.name.lower() for aspect, grade in need.knowledge.items()},
        capabilities=need.capabilities.names(),
        view=need.view.name.lower(),
        expertise=entry.variant.expertise,
        equipment=entry.variant.equipment,
        window=entry.attacker.window,
        queries_per_day=budget.queries_per_day,
        identities=budget.identities,
    )
