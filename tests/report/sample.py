"""A made-up assessment with every verdict, every status, every tally, and hostile text."""

from __future__ import annotations

import math
from typing import Any

from goalkeeper.core.assessment import (
    Advice,
    ApplicationRow,
    Assessment,
    AttackerRow,
    Baseline,
    Bracket,
    Estimate,
    Gap,
    GoalRating,
    PlanRow,
    PolicyRow,
    Tool,
    Verdict,
)
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.frameworks import Criterion, Framework
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.need import Adjustment, Damage, ProtectionNeed
from goalkeeper.policy import default_policy
from goalkeeper.report import AssignmentRow, Context
from tests.report.results import (
    HOSTILE,
    A,
    C,
    N,
    P,
    extraction,
    good_words,
    membership,
    not_run,
    poisoning,
    potential,
    property_,
)


def need(goal: Goal, level: int) -> ProtectionNeed:
    return ProtectionNeed(
        goal=goal,
        level=level,
        damages=(
            Damage(
                scenario="impairment of informational self-determination",
                level=level,
                reason="messages of named persons are in the training data",
            ),
            Damage(scenario="financial consequences", level=1, reason="below 50,000 a year"),
        ),
        cumulation=Adjustment(step=1, reason="one model serves many mailboxes"),
        distribution=Adjustment(step=0, reason="nothing is redundant"),
    )


def rating(goal: Goal, level: int, verdict: Verdict, **more: Any) -> GoalRating:
    return GoalRating(
        goal=goal,
        need=need(goal, level),
        required={0: 0, 1: 14, 2: 20, 3: 25}[level],
        critical={0: 4, 1: 3, 2: 2, 3: 1}[level],
        verdict=verdict,
        **more,
    )


def goals() -> dict[Goal, GoalRating]:
    return {
        N: rating(
            N, 1, Verdict.NOT_MET, risk=Bracket(low=3, high=3),
            demonstrated=2, potential=2, exposure=Bracket(low=4, high=4),
            cheapest_attack="E01goodwords", because=("E01goodwords",),
            reason="An outsider lets spam pass by adding everyday words, at 2 points of the "
            "14 that must be withstood.",
            attackers=("outsider", "contributor"), hypotheses=6,
        ),
        A: rating(
            A, 2, Verdict.INCONCLUSIVE, risk=Bracket(low=1, high=4),
            demonstrated=math.inf, potential=7, exposure=Bracket(low=1, high=3),
            cheapest_attack="E02poison", because=("E02poison",),
            reason="Relabelling feedback may decline too many harmless messages; five retrainings "
            "are too few to tell.",
            attackers=("contributor",),
            not_tested=(
                Gap(variant="poisoning.label_flip", attacker="contributor",
                    reason="20 more retrainings would settle it"),
                Gap(variant="exhaustion.sponge", attacker="outsider",
                    reason="no attack of this variant is installed"),
            ),
        ),
        C: rating(
            C, 1, Verdict.MET, risk=Bracket(low=1, high=2),
            demonstrated=math.inf, potential=math.inf, exposure=Bracket(low=0, high=0),
            because=("E03steal",),
            reason="No attack of the tested portfolio came near the critical level.",
            attackers=("outsider", "customer"),
        ),
        P: rating(
            P, 0, Verdict.NOT_ASSESSED, risk=Bracket(low=1, high=1),
            demonstrated=math.inf, potential=3, exposure=Bracket(low=0, high=4),
            reason="",
        ),
    }  # fmt: skip


def plan() -> tuple[PlanRow, ...]:
    def row(attack: str, attacker: str, status: Any, *reasons: str) -> PlanRow:
        return PlanRow(
            attack=attack, game="evasion", task="harmful-passes", variant="evasion.x",
            attacker=attacker, status=status, reasons=reasons, goals=(N,),
            estimate=Estimate(queries=math.inf, seconds=4.0),
        )  # fmt: skip

    return (
        row("good-words", "outsider", "planned", "fits the application and the attacker"),
        row("gradient", "outsider", "skipped", "full knowledge of the model (has none)"),
        row("gradient", "customer", "skipped", "full knowledge of the model (has none)"),
        row(HOSTILE, "insider", "skipped", "needs images"),
    )


def attackers() -> tuple[AttackerRow, ...]:
    return (
        AttackerRow(
            name="outsider", label="limited knowledge", box="black",
            knowledge={"data": "none", "algorithm": "none", "model": "none"},
            capabilities=("M2",), view="labels", window="easy", queries=1000,
            queries_per_day=200, identities=1, share=0.0, compute_h=10,
        ),
        AttackerRow(
            name="contributor", label="own contributions", box="grey",
            knowledge={"data": "partial", "algorithm": "partial", "model": "none"},
            capabilities=("T2", "T3", "M2", "M4"), view="labels", window="moderate",
            queries=10_000, queries_per_day=1000, identities=10, share=0.01, compute_h=50,
        ),
        AttackerRow(
            name="device_holder", label="owns a copy", box="grey",
            knowledge={"data": "partial", "algorithm": "partial", "model": "full"},
            capabilities=("M1", "W"), view="gradients", window="easy", queries=math.inf,
            queries_per_day=math.inf, identities=1, share=0.0, compute_h=500,
        ),
    )  # fmt: skip


def application() -> ApplicationRow:
    return ApplicationRow(
        name="Mail filter of the accounts department",
        description="Sorts incoming mail into spam and ham; spam is deleted after ten days.",
        domain="text",
        classes=("ham", "spam"),
        harmless="ham",
        parts={"train": 8_000, "holdout": 4_000, "calibration": 2_000, "similar": 4_000},
        fingerprint="c0ffee" * 10,
        hashes={"model.joblib": "ab12" * 16},
        secrecy={"model": {"full": "confidential"}},
        tolerances={"benign_rejection": 0.01, "accuracy_drop": 0.02, "declared": True},
        caveats=("Tolerances are taken from the description without proof.",),
        baseline=(
            Baseline(slice="all", metric="accuracy", value=0.984, low=0.98, high=0.988, n=4000),
            Baseline(slice="class ham", metric="accuracy", value=1.0, low=0.998, high=1.0, n=2000),
            Baseline(slice="class spam", metric="accuracy", value=0.968, low=0.96, high=0.976, n=9),
        ),
    )


def advice(
    defence: str, reason: str, goals: tuple[Goal, ...], verified: dict[str, str] | None
) -> Advice:
    return Advice.model_validate(
        {"defence": defence, "reason": reason, "for": goals, "verified": verified}
    )


def assessment() -> Assessment:
    return Assessment(
        schema=2,
        tool=Tool(version="0.1.0"),
        application=application(),
        policy=PolicyRow(
            id="goals-default", version="0.1.0", sha256="d1" * 32, taxonomy_sha256="7a" * 32,
            edges=default_policy().row().edges,
        ),
        seed=7,
        started="2026-03-01T09:00:00+00:00",
        finished="2026-03-01T09:14:10+00:00",
        environment={"python": "3.12.4", "platform": "Linux", "numpy": "2.1.0"},
        verdict=Verdict.NOT_MET,
        goals=goals(),
        attackers=attackers(),
        plan=plan(),
        evidence=(
            extraction(), good_words(), poisoning(), membership(), property_(), *not_run(),
        ),
        advice=(
            advice(
                "adversarial training",
                "added words should no longer outweigh the rest",
                (N,),
                {"before": "62 %", "after": "11 %", "side_effects": "accuracy -0.4 %"},
            ),
            advice("screen contributed data", "cap what one contributor can add", (A, N), None),
        ),
        complete=False,
    )  # fmt: skip


ATTACKERS = ("outsider", "customer", "contributor", "insider", "Mallory")


def shared(one: Evidence, unit: str) -> tuple[Evidence, ...]:
    """Give one attack run to five attackers, costlier from one to the next."""
    dearer = {
        name: one.rated
        and one.rated.model_copy(update={"attack_potential": potential(4 * i, days=i / 2)})
        for i, name in enumerate(ATTACKERS)
    }
    return tuple(
        one.model_copy(
            update={"id": f"{unit}-{name}", "attacker": name, "unit": unit, "rated": rated_as}
        )
        for name, rated_as in dearer.items()
    )


def many_attackers(runs: int) -> Assessment:
    """Return an assessment in which five attackers share every attack run."""
    kinds = (good_words, extraction, poisoning, membership, property_)
    result = [kinds[i % len(kinds)]() for i in range(runs)]
    evidence = [e for i, one in enumerate(result) for e in shared(one, f"unit{i}")]
    return assessment().model_copy(update={"evidence": (*evidence, *not_run())})


def many_attack_runs(runs: int) -> Assessment:
    """Return an assessment of many attack runs, each of its own attack, by one to four attackers.

    As in a real one the attack runs differ in goal, level, attacker and text; every third is
    inconclusive, every attack has its own sources, and one attack is skipped for every two run.
    """
    kinds = (good_words, extraction, poisoning, membership, good_words)
    levels = (IntegrityLevel.DATA, IntegrityLevel.MODEL, IntegrityLevel.OUTPUT)
    evidence: list[Evidence] = []
    for i in range(runs):
        one = kinds[i % len(kinds)]().model_copy(
            update={
                "attack": f"attack_number_{i}", "references": (f"author20{i}",),
                "level": levels[i % 3], "settings": {"steps": i, "words": 1000},
            }
        )  # fmt: skip
        attackers = shared(one, f"unit{i}")
        evidence += [attackers[(i + j) % len(attackers)] for j in range(1 + i % 4)]
    base = assessment()
    rated = {
        goal: rating.model_copy(
            update={
                "because": tuple(e.id for e in evidence if goal in e.goals and e.rated)[::3],
                "cheapest_attack": next((e.id for e in evidence if goal in e.goals), ""),
            }
        )
        for goal, rating in base.goals.items()
    }
    skipped = tuple(
        base.plan[1].model_copy(update={"attack": f"skipped_{i}", "reasons": (f"needs {i % 20}",)})
        for i in range(runs // 2)
    )
    return base.model_copy(
        update={
            "evidence": (*evidence, *not_run()),
            "plan": (*base.plan, *skipped),
            "goals": rated,
        }
    )


def framework() -> Framework:
    """Return a framework with a criterion for each kind of evidence here, and one outside."""
    variants = sorted({e.variant for e in assessment().evidence})
    return Framework(
        key="made_up",
        name="A made-up framework",
        whole=True,
        criteria=(
            *(Criterion(id=f"M-{i}", name=v, variants=(v,)) for i, v in enumerate(variants)),
            Criterion(id="M-PROMPT", name="Prompts", outside="it is about language models"),
        ),
    )


def context(*, show_private: bool = False) -> Context:
    rows = (
        ("evasion", "integrity", "integrity", "integrity, availability"),
        ("poisoning", "confidentiality", "availability", "availability, integrity"),
        ("extraction", "availability", "confidentiality", "confidentiality"),
        ("membership", "privacy", "privacy", "privacy"),
        ("exhaustion", "not listed", "not listed", "availability"),
    )
    return Context(
        assignment=tuple(
            AssignmentRow(family=f, english=e, german=g, ours=o) for f, e, g, o in rows
        ),
        note="The English page lists Data Poisoning under Confidentiality and Model Stealing under "
        "Availability; the German original has them the other way round.",
        citations={"lowd2005": "D. Lowd, C. Meek. Good Word Attacks on Statistical Spam Filters."},
        commands={"run": "goalkeeper run mail.yaml"},
        frameworks=(framework(),),
        show_private=show_private,
    )
