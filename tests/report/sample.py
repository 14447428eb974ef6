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
from goalkeeper.core.cost import Cost
from goalkeeper.core.evidence import (
    Accuracy,
    AttackPotential,
    Control,
    Curve,
    DamageCount,
    Evidence,
    Exhibit,
    Gain,
    Measurement,
    Played,
    Proportion,
    Rated,
    RatedTrial,
    Ratio,
    RatioAt,
    Requirement,
    Standard,
    Status,
    Tally,
    Trial,
)
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.need import Adjustment, Damage, ProtectionNeed
from goalkeeper.report import AssignmentRow, Context

SCRIPT = '<script>alert("x")</script>'
BREAKOUT = "\"'><img src=x onerror=alert(1)></textarea></style><svg onload=alert(2)>"
REORDERED = "invoice \u202efdp.exe\u202c \u200bfree"
CONTROL = "\x1b[2J\x1b]0;owned\x07 [bold red]markup[/bold red]"
HOSTILE = f"{SCRIPT} {BREAKOUT} {REORDERED} {CONTROL} {{{{ 7 * 7 }}}} javascript:alert(3)"
PRIVATE = "Alice told Bob that the test came back positive"

N, A, C, P = Goal.INTEGRITY, Goal.AVAILABILITY, Goal.CONFIDENTIALITY, Goal.PRIVACY


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


def potential(points: int, days: float = 5.0) -> AttackPotential:
    return AttackPotential(
        days=days,
        expertise="layman",
        knowledge="public",
        window="easy",
        equipment="standard",
        points=points,
    )


def evidence(
    id_: str, attack: str, goals: tuple[Goal, ...], played: Played, **more: Any
) -> Evidence:
    return Evidence(
        id=id_,
        attack=attack,
        goals=goals,
        played=played,
        requires=Requirement(
            knowledge={"data": "partial", "algorithm": "none", "model": "none"},
            capabilities=("M2",),
            view="labels",
            expertise="layman",
            equipment="standard",
            window="easy",
            queries_per_day=200,
            identities=1,
        ),
        **{
            "task": "harmful-passes",
            "game": "evasion",
            "family": "evasion",
            "variant": "evasion.good_words",
            "attacker": "outsider",
            "box": "black",
            "metric": "success_rate",
            "unit": "9f2c51d0",
            "seed": 7,
            "references": ("lowd2005",),
            "standards": (
                Standard(framework="MITRE ATLAS", id="AML.T0015", name="Evade AI Model"),
                Standard(framework="CWE", id="CWE-1039"),
            ),
            **more,
        },
    )


def trials(*counted: tuple[float, Tally]) -> tuple[Trial, ...]:
    return tuple(
        Trial(budget=b, queries=1000, compute_h=0.01, share=0.01, tally=t, verified=3)
        for b, t in counted
    )


def rated(metric: str, demonstrated: int, at_most: int, cost: AttackPotential) -> Rated:
    step = RatedTrial(
        budget=100, low=0.31, high=0.42, demonstrated=demonstrated, potential=at_most,
        attack_potential=cost,
    )  # fmt: skip
    return Rated(
        metric=metric,
        demonstrated=demonstrated,
        potential=at_most,
        attack_potential=cost,
        trials=(step,),
    )


def good_words() -> Evidence:
    x = (0.0, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
    value = (0.02, 0.05, 0.09, 0.18, 0.31, 0.44, 0.56, 0.62)
    low = (0.01, 0.03, 0.06, 0.14, 0.26, 0.39, 0.51, 0.57)
    high = (0.04, 0.08, 0.13, 0.22, 0.36, 0.49, 0.61, 0.67)
    played = Played(
        status=Status.TESTED,
        summary="Adding up to 1,000 harmless words lets 248 of 400 spam messages pass.",
        measurements=(
            Measurement(
                metric="success_rate", value=0.62, low=0.57, high=0.67, baseline=0.02, n=400,
                note="union over restarts",
            ),
            Measurement(
                metric="success_rate", value=0.71, low=0.58, high=0.82, baseline=0.02, n=60,
                group="class advance fee",
            ),
            Measurement(
                metric="words_added", value=41, low=33, high=52, baseline=0, n=248,
                group=f"sender {SCRIPT}",
            ),
            Measurement(
                metric="words_to_success", value=math.inf, low=12, high=math.inf, baseline=0, n=9
            ),
        ),
        trials=trials(
            (100, Proportion(successes=176, n=400, baseline_successes=8, baseline_n=400)),
            (1000, Proportion(successes=248, n=400, baseline_successes=8, baseline_n=400)),
        ),
        curve=Curve(
            budget="words added", unit="per message", x=x, value=value, low=low, high=high
        ),
        cost=Cost(queries=164_211, seconds=84.2),
        controls=(
            Control(
                name="breaks a weakened version of this application", passed=True,
                detail="400 of 400 succeeded",
            ),
            Control(name="random words do not", passed=True, detail="8 of 400 succeeded"),
        ),
        caveats=("words come from a public list; a better list may do better",),
        exhibits=(
            Exhibit(
                title="Spam before and after",
                before="WIN a prize now!!! Click to claim.",
                after="WIN a prize now!!! Click to claim. meeting thursday minutes attached thanks",
                note="passes with a score of 0.91",
            ),
            Exhibit(title=HOSTILE, before=HOSTILE, after=HOSTILE * 40, note=HOSTILE),
        ),
    )  # fmt: skip
    return evidence(
        "E01goodwords", "good-words", (N,), played,
        level=IntegrityLevel.DATA,
        rated=rated("success_rate", 4, 4, potential(2)),
        settings={"words": 1000, "list": HOSTILE},
    )  # fmt: skip


def poisoning() -> Evidence:
    played = Played(
        status=Status.TESTED,
        summary="One percent of relabelled messages makes the filter decline 5.2 times as many "
        "harmless messages as tolerated.",
        measurements=(
            Measurement(
                metric="tolerance_multiple", value=5.2, low=1.4, high=9.1, baseline=0.3, n=5
            ),
        ),
        trials=trials(
            (
                0.01,
                DamageCount(gained=(31, 28, 40), lost=(5, 4, 6), n=500, tolerance=0.01),
            ),
        ),
        curve=Curve(
            budget="share", unit="of the training data", x=(0.001, 0.003, 0.01),
            value=(0.6, 2.1, 5.2), low=(0.1, 0.4, 1.4), high=(1.4, 4.0, math.inf),
        ),
        cost=Cost(models=15, seconds=412.0),
        caveats=("five retrainings; the interval is wide",),
    )  # fmt: skip
    return evidence(
        "E02poison", "label-flip", (A, N), played,
        task="harmless-declined", game="poisoning", family="poisoning",
        variant="poisoning.label_flip", attacker="contributor", box="grey",
        metric="tolerance_multiple", rated=rated("tolerance_multiple", 1, 3, potential(7, 40.0)),
    )  # fmt: skip


def extraction() -> Evidence:
    played = Played(
        status=Status.TESTED,
        summary="A substitute from 1,000 label queries agrees no better than one made without.",
        measurements=(
            Measurement(
                metric="normalised_gain", value=0.02, low=-0.04, high=0.08, baseline=0.0, n=500
            ),
        ),
        trials=trials(
            (1000, Gain(successes=412, n=500, baseline_successes=410, baseline_n=500)),
        ),
        cost=Cost(queries=1000, forward=2_000, backward=2_000, seconds=3.4),
        controls=(Control(name="steals a weak model", passed=True, detail="gain 0.97"),),
    )  # fmt: skip
    return evidence(
        "E03steal", "substitute", (C,), played,
        task="agreement", game="extraction", family="extraction",
        variant="extraction.learning_based", metric="normalised_gain",
        rated=rated("normalised_gain", 0, 0, potential(25, math.inf)),
    )  # fmt: skip


def membership() -> Evidence:
    at = tuple(
        RatioAt(fpr=f, true_positives=t, positives=2000, false_positives=v, negatives=2000)
        for f, t, v in ((0.001, 9, 1), (0.01, 61, 22), (0.1, 301, 205))
    )
    people = tuple(
        Measurement(
            metric="tpr_at_fpr_0.01", value=0.02 + i / 500, low=0.0, high=0.1 + i / 400,
            baseline=0.01, n=80, group=f"person {i + 1}",
        )
        for i in range(12)
    )  # fmt: skip
    played = Played(
        status=Status.TESTED,
        summary="Members of the training data are told from others 9 times as often as by chance, "
        "but only few of them.",
        measurements=(
            Measurement(
                metric="likelihood_ratio", value=9.0, low=1.3, high=math.inf, baseline=1, n=4000
            ),
            *people,
        ),
        trials=trials((64, Ratio(at=at))),
        cost=Cost(models=64, queries=4000, seconds=7_900.0),
        exhibits=(
            Exhibit(
                title=f"Most exposed: {PRIVATE}", before=PRIVATE, after=PRIVATE, note=PRIVATE,
                private=True,
            ),
        ),
    )  # fmt: skip
    return evidence(
        "E04member", "lira", (P, C), played,
        task="membership", game="membership", family="membership", variant="membership.lira",
        attacker="customer", box="grey", metric="likelihood_ratio",
        rated=rated("likelihood_ratio", 0, 4, potential(3, 0.2)),
    )  # fmt: skip


def property_() -> Evidence:
    played = Played(
        status=Status.CONTROL_FAILED,
        summary="The attack tells the two worlds apart in 33 of 64 tries.",
        reason="the attack did not even break a deliberately weakened version",
        measurements=(
            Measurement(
                metric="distinguishing_accuracy", value=33 / 64, low=0.39, high=0.64,
                baseline=0.5, n=64,
            ),
        ),
        trials=trials((64, Accuracy(correct=33, n=64))),
        cost=Cost(models=128, seconds=900.0),
        controls=(Control(name="breaks a weakened version", passed=False, detail="17 of 32"),),
    )  # fmt: skip
    return evidence(
        "E05property", "meta-classifier", (P,), played,
        task="property-sex", game="property", family="property", variant="property.meta",
        attacker="customer", box="grey", metric="distinguishing_accuracy",
    )  # fmt: skip


def unplayed() -> tuple[Evidence, ...]:
    cases = (
        ("E06", Status.NOT_APPLICABLE, "no images are read", ""),
        ("E07", Status.EXCLUDED, "the owner excludes attacks that write files", ""),
        ("E08", Status.NOT_TESTED, "the run was stopped before this was played", ""),
        (
            "E09",
            Status.FAILED_TO_RUN,
            f"ValueError: {HOSTILE}",
            f"Traceback (most recent call last):\n  {HOSTILE}\nValueError",
        ),
    )
    return tuple(
        evidence(id_, f"attack-{id_.lower()}", (N,), Played(status=s, reason=why, traceback=trace))
        for id_, s, why, trace in cases
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
        schema=1,
        tool=Tool(version="0.1.0"),
        application=application(),
        policy=PolicyRow(
            id="goals-default", version="0.1.0", sha256="d1" * 32, taxonomy_sha256="7a" * 32
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
            extraction(), good_words(), poisoning(), membership(), property_(), *unplayed(),
        ),
        advice=(
            advice(
                "train on attacked inputs",
                "added words should no longer outweigh the rest",
                (N,),
                {"before": "62 %", "after": "11 %", "side_effects": "accuracy -0.4 %"},
            ),
            advice("screen contributions", "cap what one contributor can add", (A, N), None),
        ),
        complete=False,
    )  # fmt: skip


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
        show_private=show_private,
    )
