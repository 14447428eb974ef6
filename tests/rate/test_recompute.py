"""A stored assessment is rated again, and whatever was changed in it is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from goalkeeper.core.assessment import ApplicationRow, Assessment, AttackerRow, PlanRow, Tool
from goalkeeper.core.evidence import Curve, Measurement, Ratio, RatioAt, Status
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import Damage
from goalkeeper.core.outcomes import Outcomes, write_ranks
from goalkeeper.games import tallies
from goalkeeper.policy import protection_need
from goalkeeper.rate import rate, recompute
from goalkeeper.rate._recompute import _compare_ranks
from tests.rate.making import POLICY, RULES, SECRECY, evidence, need_of, of, requires, trial


def assessment() -> Assessment:
    """A small assessment that is consistent in itself."""
    counts = [of(10, 400), of(122, 400)]
    trials = tuple(trial(t, queries=10.0 * i) for i, t in enumerate(counts))
    shown = [tallies.estimate_tally(t) for t in counts]
    value, low, high = shown[-1]
    curve = Curve(
        budget="queries",
        unit="queries",
        x=(0.0, 10.0),
        value=tuple(s[0] for s in shown),
        low=tuple(s[1] for s in shown),
        high=tuple(s[2] for s in shown),
    )
    headline = Measurement(
        metric="success_rate", value=value, low=low, high=high, baseline=0, n=400
    )
    tested = evidence(*trials)
    result = tested.result.model_copy(update={"curve": curve, "measurements": (headline,)})
    found = [
        tested.model_copy(update={"result": result}),
        evidence(status=Status.NOT_TESTED, name="later"),
    ]
    damages = tuple(
        Damage(scenario=name, level=1, reason="r") for name in RULES.protection_need.scenarios
    )
    needs = {Goal.INTEGRITY: protection_need(Goal.INTEGRITY, damages, None, None, RULES)}
    rated_evidence, goals, verdict = rate(found, needs, POLICY, SECRECY, {Goal.INTEGRITY: 1})
    row = PlanRow(
        attack="good_words",
        game="evasion",
        task="harmful-passes",
        variant="evasion.good_words",
        attacker="outsider",
        status="planned",
        goals=(Goal.INTEGRITY,),
        unit="U-good_words",
    )
    outsider = POLICY.attackers["outsider"]
    return Assessment(
        schema=2,
        tool=Tool(version="0"),
        application=ApplicationRow(
            name="toy",
            domain="text",
            classes=("a", "b"),
            fingerprint="f",
            secrecy={k: dict(v) for k, v in SECRECY.items()},
        ),
        policy=POLICY.row(),
        seed=0,
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:00:00+00:00",
        verdict=verdict,
        goals=goals,
        attackers=(
            AttackerRow(
                name="outsider",
                label=outsider.label,
                box="black",
                knowledge={},
                capabilities=("M2",),
                view="labels",
                window=outsider.window,
                queries=1000,
                queries_per_day=outsider.power.budget.queries_per_day,
                identities=1,
                share=0,
                compute_h=10,
            ),
        ),
        plan=(row,),
        evidence=rated_evidence,
    )


@pytest.mark.requirement("S2")
def test_a_true_assessment_can_be_rated_again_from_its_file() -> None:
    stored = assessment()
    again = Assessment.model_validate_json(stored.to_json())
    assert recompute(stored, POLICY) == recompute(again, POLICY) == []


def _tampered(path: str, value: Any) -> Assessment:
    content = assessment().model_dump(mode="json", by_alias=True)
    *parents, last = [int(key) if key.isdigit() else key for key in path.split("/")]
    place: Any = content
    for key in parents:
        place = place[key]
    assert place[last] != value
    place[last] = value
    return Assessment.model_validate(content)


@pytest.mark.requirement("S2")
@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("verdict", "met", "verdict: met is stored, not_met recomputed"),
        ("policy/sha256", "0" * 64, "policy.sha256: 000"),
        ("goals/integrity/verdict", "met", "goal integrity.verdict: met is stored"),
        ("goals/integrity/risk/high", 1, "goal integrity.risk.high: 1"),
        ("goals/integrity/reason", "Fine.", "goal integrity.reason: Fine."),
        ("goals/integrity/not_tested", [], "goal integrity.not_tested: 0 entries are stored, 1"),
        ("goals/integrity/hypotheses", 2, "goal integrity.hypotheses: 2 is stored, 1 recomputed"),
        ("goals/integrity/need/level", 2, "goal integrity.need.level: 2 is stored, 1 recomputed"),
        ("goals/integrity/need/damages/0/scenario", "law", "cannot be rated again: needs.integ"),
        ("evidence/0/rated/demonstrated", 1, "E-good_words-outsider: rated.demonstrated: 1"),
        ("evidence/0/rated", None, "evidence E-good_words-outsider: rated: None is stored"),
        ("evidence/1/id", "E-good_words-outsider", "E-good_words-outsider: occurs more than once"),
        ("evidence/0/result/trials/1/tally/successes", 121, "rated.trials.1.low: "),
        ("evidence/0/result/trials/0/tally/successes", 11, "curve at 0.value: 0.025 is stored"),
        ("evidence/0/result/measurements/0/high", 0.5, "headline.high: 0.5 is stored, 0.35"),
        ("evidence/0/result/curve/low/1", 0.1, "curve at 10.low: 0.1 is stored, 0.2"),
        ("evidence/0/result/curve/low", [0.1], "curve: its columns differ in length"),
        ("evidence/0/requires/window", "difficult", "requires.window: difficult is stored, easy"),
        ("evidence/0/requires/expertise", "expert", "requires.expertise: expert is stored, layman"),
        ("evidence/0/looks", 2, "E-good_words-outsider: looks: 2 is stored, 1 recomputed"),
        ("evidence/0/look", 9, "look 9 of 1 has no share of alpha"),
        ("plan/0/interim", "U-early", "E-good_words-outsider: look: 1 is stored, 2 recomputed"),
        ("evidence/1/result/status", "covered", "later-outsider: no evidence does not cover it"),
        ("evidence/1/result/status", "not_needed", "goal integrity.not_tested: 1 entries"),
        ("evidence/0/variant", "evasion.bad_words", "did you mean 'evasion.good_words'"),
        ("application/secrecy/data/full", "secret", ""),
    ],
)
def test_a_changed_assessment_is_found_out(path: str, value: Any, message: str) -> None:
    found = recompute(_tampered(path, value), POLICY)
    if message:
        assert any(message in text for text in found), found
    else:
        assert found == []  # nothing in it needs that knowledge


@pytest.mark.requirement("S2")
@pytest.mark.parametrize(
    ("attack", "status", "successes", "message"),
    [
        ("good_words", Status.TESTED, 0, ""),
        ("good_words", Status.TESTED, 90, "leaves open whether integrity is met"),
        ("bad_words", Status.TESTED, 0, "does not cover it"),
        ("good_words", Status.CONTROL_FAILED, 0, "does not cover it"),
    ],
)
def test_what_is_covered_was_withstood_by_the_same_attack(
    attack: str, status: Status, successes: int, message: str
) -> None:
    """Nobody makes a goal green by naming evidence that does not exclude the attack."""
    strong = evidence(trial(of(successes, 400)), name="strong", status=status)
    strong = strong.model_copy(update={"attack": attack})
    weak = evidence(name="weak", status=Status.COVERED)
    weak = weak.model_copy(update={"attack": "good_words", "covered_by": strong.id})
    needs = {Goal.INTEGRITY: need_of(1)}
    found, goals, verdict = rate([strong, weak], needs, POLICY, SECRECY, {Goal.INTEGRITY: 1})
    changed = {"evidence": found, "goals": goals, "verdict": verdict, "plan": ()}
    texts = recompute(assessment().model_copy(update=changed), POLICY)
    assert any(message in text for text in texts) if message else texts == []


@pytest.mark.parametrize(
    "less", [{"knowledge": {"data": "full"}}, {"capabilities": ("M1",)}, {"view": "scores"}]
)
def test_nobody_is_covered_by_an_attacker_with_less(less: dict[str, Any]) -> None:
    strong = evidence(trial(of(0, 400)), name="strong")
    weak = evidence(name="weak", status=Status.COVERED)
    needs = weak.requires.model_copy(update=less)
    weak = weak.model_copy(
        update={"attack": strong.attack, "covered_by": strong.id, "requires": needs}
    )
    found, goals, verdict = rate(
        [strong, weak], {Goal.INTEGRITY: need_of(1)}, POLICY, SECRECY, {Goal.INTEGRITY: 1}
    )
    changed = {"evidence": found, "goals": goals, "verdict": verdict, "plan": ()}
    assert recompute(assessment().model_copy(update=changed), POLICY) == [
        f"evidence {weak.id}: {strong.id} does not cover it"
    ]


def test_what_could_decide_an_open_goal_was_needed() -> None:
    """What is decided, or costs too much to decide, was not."""
    for successes, who, message in (
        (0, requires(), "could decide integrity"),
        (390, requires(), ""),
        (0, requires("insider", data="full", expertise="expert"), ""),
    ):
        found = [
            evidence(trial(of(successes, 400))),
            evidence(name="other", status=Status.NOT_NEEDED, needs=who),
        ]
        needs = {Goal.INTEGRITY: need_of(1)}
        rated, goals, verdict = rate(found, needs, POLICY, SECRECY, {Goal.INTEGRITY: 1})
        changed = {"evidence": rated, "goals": goals, "verdict": verdict, "plan": ()}
        texts = recompute(assessment().model_copy(update=changed), POLICY)
        texts = [text for text in texts if "requires" not in text]
        assert [message in text for text in texts] == ([True] if message else [])


def test_evidence_of_what_was_planned_cannot_be_left_out() -> None:
    found = assessment()
    row = found.plan[0].model_copy(update={"attacker": "customer"})
    changed = found.model_copy(update={"plan": (*found.plan, row)})
    text = "plan: good_words harmful-passes evasion.good_words customer was planned, and there is"
    assert any(text in difference for difference in recompute(changed, POLICY))


def test_outcomes_of_items_that_differ_from_the_counts_are_found() -> None:
    """122 of 400 succeeded: outcomes that say so are right, and one changed digit is found."""
    found = assessment()
    first = found.evidence[0]

    def differences(hits: str) -> list[str]:
        kept = Outcomes(ids="abcd" * len(hits), hits=hits)
        result = first.result.model_copy(update={"outcomes": kept})
        changed = first.model_copy(update={"result": result})
        evidence_ = (changed, *found.evidence[1:])
        return recompute(found.model_copy(update={"evidence": evidence_}), POLICY)

    assert differences("1" * 122 + "0" * 278) == []
    assert any("outcomes" in text for text in differences("1" * 121 + "0" * 279))
    assert any("outcomes" in text for text in differences("1" * 122 + "0" * 279))


def test_ranks_that_do_not_give_the_outcomes_are_listed() -> None:
    """Ranks are what a comparison of two runs goes by."""
    beside = "1" * 10 + "0" * 10 + "2" * 20
    scores = np.concatenate([np.arange(10) + 30.5, np.arange(10) - 30.5, np.arange(20.0)])
    at = RatioAt(fpr=0.1, true_positives=10, positives=10, false_positives=0, negatives=10)
    hits = "1" * 10 + "0" * 10 + "0" * 18 + "11"

    def found(order: np.ndarray) -> list[str]:
        kept = Outcomes(ids="abcd" * 40, hits=hits, beside=beside, ranks=write_ranks(scores[order]))
        return list(_compare_ranks(kept, Ratio(at=(at,))))

    assert found(np.arange(40)) == []
    assert found(np.arange(40)[::-1])
