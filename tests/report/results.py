"""Made-up evidence with every status, every tally, and hostile text."""

from __future__ import annotations

import math
from typing import Any

from goalkeeper.core.cost import Cost
from goalkeeper.core.evidence import (
    Accuracy,
    AttackPotential,
    AttackResult,
    Control,
    Curve,
    DamageCount,
    Evidence,
    Exhibit,
    Gain,
    Measurement,
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

SCRIPT = '<script>alert("x")</script>'
BREAKOUT = "\"'><img src=x onerror=alert(1)></textarea></style><svg onload=alert(2)>"
REORDERED = "invoice \u202efdp.exe\u202c \u200bfree"
CONTROL = "\x1b[2J\x1b]0;owned\x07 [bold red]markup[/bold red]"
HOSTILE = f"{SCRIPT} {BREAKOUT} {REORDERED} {CONTROL} {{{{ 7 * 7 }}}} javascript:alert(3)"
PRIVATE = "Alice told Bob that the test came back positive"

N, A, C, P = Goal.INTEGRITY, Goal.AVAILABILITY, Goal.CONFIDENTIALITY, Goal.PRIVACY


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
    id_: str, attack: str, goals: tuple[Goal, ...], result: AttackResult, **more: Any
) -> Evidence:
    return Evidence(
        id=id_,
        attack=attack,
        goals=goals,
        result=result,
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
    result = AttackResult(
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
        "E01goodwords", "good-words", (N,), result,
        level=IntegrityLevel.DATA,
        rated=rated("success_rate", 4, 4, potential(2)),
        settings={"words": 1000, "list": HOSTILE},
    )  # fmt: skip


def poisoning() -> Evidence:
    result = AttackResult(
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
        "E02poison", "label-flip", (A, N), result,
        task="harmless-declined", game="poisoning", family="poisoning",
        variant="poisoning.label_flip", attacker="contributor", box="grey",
        metric="tolerance_multiple", rated=rated("tolerance_multiple", 1, 3, potential(7, 40.0)),
    )  # fmt: skip


def extraction() -> Evidence:
    result = AttackResult(
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
        "E03steal", "substitute", (C,), result,
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
    result = AttackResult(
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
        "E04member", "lira", (P, C), result,
        task="membership", game="membership", family="membership", variant="membership.lira",
        attacker="customer", box="grey", metric="likelihood_ratio",
        rated=rated("likelihood_ratio", 0, 4, potential(3, 0.2)),
    )  # fmt: skip


def property_() -> Evidence:
    result = AttackResult(
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
        "E05property", "meta-classifier", (P,), result,
        task="property-sex", game="property", family="property", variant="property.meta",
        attacker="customer", box="grey", metric="distinguishing_accuracy",
    )  # fmt: skip


def not_run() -> tuple[Evidence, ...]:
    cases = (
        ("E06", Status.NOT_APPLICABLE, "no images are read", ""),
        ("E07", Status.EXCLUDED, "the owner excludes attacks that write files", ""),
        ("E08", Status.NOT_TESTED, "the run was stopped before this attack was run", ""),
        (
            "E09",
            Status.FAILED_TO_RUN,
            f"ValueError: {HOSTILE}",
            f"Traceback (most recent call last):\n  {HOSTILE}\nValueError",
        ),
    )
    return tuple(
        evidence(
            id_, f"attack-{id_.lower()}", (N,), AttackResult(status=s, reason=why, traceback=trace)
        )
        for id_, s, why, trace in cases
    )
