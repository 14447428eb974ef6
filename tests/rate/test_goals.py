"""The whole: the worked example, the weakest goal, and the words of a verdict."""

from __future__ import annotations

import re

import pytest

from goalkeeper.core.assessment import Verdict
from goalkeeper.core.evidence import (
    Accuracy,
    DamageCount,
    Evidence,
    Gain,
    Ratio,
    RatioAt,
    Status,
    Tally,
    Trial,
)
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.rate import rate
from tests.rate.making import POLICY, SECRECY, evidence, need_of, of, rated, requires, trial


def worked_example() -> tuple[list[Evidence], dict[Goal, ProtectionNeed]]:
    """The spam filter of the method's text; its inputs are invented there."""
    some, partial = "proficient", {"data": "partial"}
    ratio = Ratio(
        at=(
            RatioAt(
                fpr=0.01, true_positives=90, positives=1000, false_positives=10, negatives=1000
            ),
        )
    )
    benign = DamageCount(gained=(38, 52, 61, 45, 54), lost=(0,) * 5, n=1000, tolerance=0.01)
    heavy = DamageCount(gained=(200, 240, 260, 210, 230), lost=(0,) * 5, n=1000, tolerance=0.01)

    def gain(k: int, n: int) -> Gain:
        return Gain(successes=k, n=n, baseline_successes=0, baseline_n=10**7)

    rows: list[tuple[Goal, str, str, str, dict[str, str], Trial | None]] = [
        (Goal.INTEGRITY, "good_words", "outsider", "layman", {}, trial(of(122, 400))),
        (Goal.INTEGRITY, "decision", "outsider", some, {}, trial(of(61, 400), queries=1000)),
        (Goal.INTEGRITY, "trigger", "contributor", some, partial, trial(of(190, 400), hours=2)),
        (Goal.AVAILABILITY, "benign", "contributor", some, partial, trial(benign, hours=2)),
        (Goal.AVAILABILITY, "heavy", "supplier", "expert", {"data": "full"}, trial(heavy, hours=4)),
        (Goal.CONFIDENTIALITY, "copy", "customer", some, {}, trial(gain(745, 1000), queries=1e4)),
        (Goal.CONFIDENTIALITY, "words", "customer", some, {}, trial(gain(123, 200), queries=1e4)),
        (
            Goal.PRIVACY,
            "lira",
            "customer",
            some,
            {"data": "partial", "algorithm": "partial"},
            trial(ratio, queries=20000, hours=20),
        ),
        (Goal.PRIVACY, "leak", "device_holder", some, {"model": "full"}, trial(of(3, 200))),
        (Goal.PRIVACY, "attribute", "customer", some, partial, None),
    ]
    found = [
        evidence(
            *([tried] if tried else []),
            name=name,
            attacker=attacker,
            goals=[goal],
            status=Status.TESTED if tried else Status.NOT_TESTED,
            needs=requires(attacker, expertise=expertise, **known),
        )
        for goal, name, attacker, expertise, known, tried in rows
    ]
    levels = {Goal.INTEGRITY: 1, Goal.AVAILABILITY: 2, Goal.CONFIDENTIALITY: 1, Goal.PRIVACY: 2}
    return found, {goal: need_of(level, goal) for goal, level in levels.items()}


@pytest.mark.requirement("S1", "S2", "S3", "S4")
def test_the_worked_example_of_the_method() -> None:
    found, needs = worked_example()
    back, goals, overall = rate(found, needs, POLICY, SECRECY, dict.fromkeys(Goal, 1))
    wanted = {
        Goal.INTEGRITY: (1, 14, 3, "good_words"),
        Goal.AVAILABILITY: (7, 20, 4, "benign"),
        Goal.CONFIDENTIALITY: (3, 14, 3, "copy"),
        Goal.PRIVACY: (3, 20, 4, "lira"),
    }
    for goal, (points, required, risk, name) in wanted.items():
        result = goals[goal]
        assert (result.demonstrated, result.potential, result.required) == (
            points,
            points,
            required,
        )
        assert result.verdict is Verdict.NOT_MET
        assert (result.risk.low, result.risk.high) == (risk, risk)
        assert result.because[0] == result.cheapest_attack
        assert f"E-{name}-" in result.cheapest_attack
    assert overall is Verdict.NOT_MET
    levels = {e.attack: (e.rated.demonstrated, e.rated.potential) for e in back if e.rated}
    assert levels["good_words"] == (3, 3)
    assert (levels["benign"], levels["lira"], levels["copy"]) == ((2, 3), (2, 3), (3, 3))
    assert goals[Goal.INTEGRITY].reason == (
        "Not met: good_words by outsider succeeds with attack potential 1; "
        "everything below 14 must be withstood."
    )
    gaps = [(gap.variant, gap.attacker, gap.reason) for gap in goals[Goal.PRIVACY].not_tested]
    assert ("evasion.good_words", "customer", "not tested: no time") in gaps


@pytest.mark.requirement("S10")
def test_reasons_say_what_to_do() -> None:
    met = rated(1, evidence(trial(of(0, 400))), evidence(trial(of(1, 400)), name="other"))
    assert met.verdict is Verdict.MET
    assert met.reason == (
        "Met: none of the 2 tested attacks reaches exposure level 3 below attack potential 14; "
        "this holds for the tested portfolio."
    )
    assert met.because == ("E-other-outsider", "E-good_words-outsider")
    assert met.attackers == ("outsider",)
    open_ = rated(
        1,
        evidence(trial(of(2, 20)), name="small"),
        evidence(status=Status.CONTROL_FAILED, name="weak", attacker="customer"),
        *(evidence(status=Status.NOT_TESTED, name=f"n{i}", attacker="insider") for i in range(3)),
    )
    assert open_.verdict is Verdict.INCONCLUSIVE
    assert open_.because[0] == "E-weak-customer"
    assert open_.reason == (
        "Inconclusive: no attack below attack potential 14 was shown to reach exposure level 3, "
        "but it is not excluded for weak by customer (control failed), small by outsider (too "
        "little data; about 4 times the sample would settle it at the same rate), n0 by "
        "insider (not tested), and 2 more."
    )
    assert [gap.attacker for gap in open_.not_tested] == ["customer", "outsider", "insider"]
    assert rated(0, evidence(trial(of(400, 400)))).reason.startswith("Not assessed: ")


@pytest.mark.parametrize(
    ("tally", "factor"),
    [
        (of(2, 20), "about 4 times"),
        (Accuracy(correct=70, n=100), "about 3 times"),
        (DamageCount(gained=(0, 40, 20), lost=(0, 0, 0), n=1000, tolerance=0.01), "about 3 times"),
        (of(202, 1000), "64 times as large is not expected to"),
    ],
)
def test_how_much_more_data_would_settle_it(tally: Tally, factor: str) -> None:
    result = rated(1, evidence(trial(tally)))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert factor in result.not_tested[0].reason


# No false alarm among 100 bounds nothing; a sample of 64 times the size would hold some.
def test_what_was_never_seen_is_not_expected_to_stay_so() -> None:
    at = RatioAt(fpr=0.05, true_positives=2, positives=100, false_positives=0, negatives=100)
    result = rated(1, evidence(trial(Ratio(at=(at,)))))
    found = re.search(
        r"about (\d+) times the sample \(([\d,]+) records a side\) would settle it",
        result.not_tested[0].reason,
    )
    assert found is not None
    factor, records = (int(number.replace(",", "")) for number in found.groups())
    assert records == factor * 100


@pytest.mark.requirement("S1", "S4")
def test_the_whole_is_as_good_as_its_weakest_goal() -> None:
    green, red = evidence(trial(of(0, 400))), evidence(trial(of(400, 400)), goals=[Goal.PRIVACY])
    needs = {goal: need_of(1, goal) for goal in (Goal.PRIVACY, Goal.INTEGRITY)}
    ones = dict.fromkeys(Goal, 1)
    assert rate([green, red], needs, POLICY, SECRECY, ones)[2] is Verdict.NOT_MET
    assert rate([green], needs, POLICY, SECRECY, ones)[2] is Verdict.INCONCLUSIVE
    needs[Goal.PRIVACY] = need_of(0, Goal.PRIVACY)
    back, goals, overall = rate([green, red], needs, POLICY, SECRECY, ones)
    assert overall is Verdict.MET
    assert goals[Goal.PRIVACY].verdict is Verdict.NOT_ASSESSED
    assert list(goals) == [Goal.INTEGRITY, Goal.PRIVACY]
    assert back[1].rated is not None
    assert rate([green], {}, POLICY, SECRECY, {})[2] is Verdict.NOT_ASSESSED


def test_evidence_for_two_goals_is_shown_as_it_counts_for_the_first_assessed() -> None:
    both = evidence(trial(of(1, 4000), verified=1), goals=[Goal.INTEGRITY, Goal.AVAILABILITY])
    needs = {Goal.INTEGRITY: need_of(0), Goal.AVAILABILITY: need_of(3, Goal.AVAILABILITY)}
    back, goals, _ = rate([both], needs, POLICY, SECRECY, dict.fromkeys(Goal, 1))
    assert back[0].rated is not None
    assert back[0].rated.demonstrated == 1
    assert goals[Goal.AVAILABILITY].verdict is Verdict.NOT_MET
