"""One plain sentence for every attack run and goal, filled in and without jargon."""

from __future__ import annotations

import math
import re

import pytest

from goalkeeper.core.assessment import Assessment, Bracket, Gap, GoalRating, Verdict
from goalkeeper.core.evidence import (
    Accuracy,
    AttackPotential,
    AttackResult,
    DamageCount,
    Evidence,
    Gain,
    Latency,
    Measurement,
    Proportion,
    Rated,
    RatedTrial,
    Ratio,
    RatioAt,
    Requirement,
    Status,
    Tally,
    Trial,
)
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.wording import MEASURED, PLACEHOLDERS, placeholders_of
from goalkeeper.policy import Variant, default_policy
from goalkeeper.report import Context, Report
from goalkeeper.report.leading import SENTENCE
from goalkeeper.report.sentences import (
    name_attacker,
    tell_goal,
    tell_reached,
    tell_run,
    tell_success,
)
from tests.report import sample

POLICY = default_policy()
JARGON = (
    "exposure level", "attack potential", "variant", "evidence", "tally", "bracket", "None", "nan",
)  # fmt: skip
KINDS = {"text": "words", "table": "columns", "image": "pixels"}
TASKS = {
    "evasion": ("harmful-passes-edits", "harmless-declined", "any-wrong-linf"),
    "poisoning": ("harmless-declined", "accuracy-drop", "trigger-passes", "trigger-misleads"),
    "artefact_leak": ("rare-words", "stored-records", "single-records"),
    "output": ("wrong-reaction", "denied-in-transit", "chosen-inputs"),
    "nonsense": ("malformed-inputs", "strange-inputs", "disruptive-inputs"),
    "teaching": ("taught-wrong", "taught-to-decline", "after-rollback"),
    "tampering": ("steered-training", "bit-flips", "swapped-file", "planted-code"),
    "attribute": ("attribute-marital_status",),
    "property": ("property-topic-pharmacy", "property"),
}
TALLIES: dict[str, tuple[Tally, float, float, float, float]] = {
    "success_rate": (
        Proportion(successes=48, n=50, baseline_successes=2, baseline_n=50),
        0.96, 0.863, 0.995, 0.04,
    ),
    "normalised_gain": (
        Gain(successes=45, n=50, baseline_successes=30, baseline_n=50), 0.75, 0.5, 0.9, 0.0,
    ),
    "tolerance_multiple": (
        DamageCount(gained=(5,), lost=(0,), n=50, tolerance=0.01), 5.5, 3.7, 7.7, -0.2,
    ),
    "likelihood_ratio": (
        Ratio(at=(RatioAt(fpr=0.01, true_positives=32, positives=50, false_positives=1,
                          negatives=50),)), 32.0, 4.0, 1490.0, 1.0,
    ),
    "distinguishing_accuracy": (Accuracy(correct=45, n=50), 0.9, 0.78, 0.97, 0.5),
    "latency_factor": (
        Latency(attack=(9.0,), benign=(1.0,), quantile=0.5, unit="seconds"), 9.0, 7.0, 11.0, 1.0,
    ),
}  # fmt: skip
CASES = [
    (variant, task, metric)
    for variant in POLICY.variants()
    for task in TASKS.get(variant.family, (variant.family,))
    for metric in variant.metrics.values()
]


def measurements(metric: str) -> tuple[Measurement, ...]:
    _, value, low, high, base = TALLIES[metric]
    head = Measurement(metric=metric, value=value, low=low, high=high, baseline=base, n=50)
    beside = [
        Measurement(metric=name, value=0.9, low=0.78, high=0.97, baseline=0.6, n=50)
        for name in (*MEASURED.values(), "fidelity")
    ]
    return head, *beside


def evidence(
    variant: Variant, task: str, metric: str, *, status: Status = Status.TESTED
) -> Evidence:
    """One attack run of a variant that costs 5 points."""
    cost = AttackPotential(
        days=0.01, expertise="proficient", knowledge="public", window="easy",
        equipment="standard", points=5,
    )  # fmt: skip
    tested = status is Status.TESTED
    result = AttackResult(
        status=status,
        reason="" if tested else "the model takes a text and nothing else",
        measurements=measurements(metric) if tested else (),
        trials=(Trial(budget=1, queries=1, share=0.02, tally=TALLIES[metric][0]),),
    )
    step = RatedTrial(budget=1, low=0, high=1, demonstrated=3, potential=4, attack_potential=cost)
    rated = Rated(metric=metric, demonstrated=3, potential=4, attack_potential=cost, trials=(step,))
    return Evidence(
        id="E1", attack="an_attack", task=task, game="g", family=variant.family,
        variant=variant.id, attacker="insider", box="grey", goals=(Goal.PRIVACY,), metric=metric,
        requires=Requirement(
            knowledge={}, expertise="proficient", equipment="standard", window="easy",
            queries_per_day=1, identities=1,
        ),
        result=result, rated=rated if tested else None,
    )  # fmt: skip


def assess(one: Evidence, verdict: Verdict, kind: str = "text", **more: object) -> Assessment:
    """An assessment of one attack run and one goal."""
    decided = verdict in (Verdict.NOT_MET, Verdict.MET)
    rating = GoalRating(
        goal=Goal.PRIVACY, need=ProtectionNeed(goal=Goal.PRIVACY, level=1, damages=()),
        required=14, critical=3, verdict=verdict, risk=Bracket(low=1, high=4), demonstrated=5,
        potential=5, exposure=Bracket(low=0, high=4),
        cheapest_attack="E1" if verdict is Verdict.NOT_MET else "",
        because=("E1",) if decided else (),
    ).model_copy(update=more)  # fmt: skip
    base = sample.assessment()
    return base.model_copy(
        update={
            "application": base.application.model_copy(update={"domain": kind}),
            "evidence": (one,),
            "goals": {Goal.PRIVACY: rating},
            "verdict": verdict,
            "sentences": POLICY.sentences(kind, {one.variant}),
        }
    )


def check_plain(text: str) -> None:
    """Check that a text is whole sentences for people."""
    assert text.endswith("."), text
    assert not re.search(r"[{}]|\b\w+_\w+|\.\.|  | [,.;:)]|\(\s", text), text
    assert not [word for word in JARGON if word in text], text
    assert text[0].isupper(), text


# ---- every variant, task, metric, status and verdict ---------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_variant_has_a_plain_sentence_whatever_the_task(kind: str) -> None:
    for variant, task, metric in CASES:
        one = evidence(variant, task, metric)
        for verdict in Verdict:
            found = assess(one, verdict, kind)
            check_plain(tell_run([one], Goal.PRIVACY, found))
            check_plain(tell_reached(one, found))
            check_plain(tell_goal(Goal.PRIVACY, [one], found))
            check_plain(tell_goal(Goal.PRIVACY, [], found))


@pytest.mark.parametrize("variant", POLICY.variants(), ids=lambda v: v.id)
def test_the_sentence_is_that_of_the_variant(variant: Variant) -> None:
    found = POLICY.sentences("table", {variant.id})
    assert found, f"{variant.id} has no sentence in taxonomy.yaml"
    for template in found[variant.id].values():
        assert set(placeholders_of(template)) <= set(PLACEHOLDERS)
        assert {"who", "n"} <= set(placeholders_of(template))


def test_each_task_of_each_game_finds_a_sentence_of_its_variant() -> None:
    general = [case for case in CASES if "the attack an attack" in _reached(*case)]
    # What no attack does: e.g. a backdoor has no task that only lowers accuracy.
    assert {variant.family for variant, _, _ in general} <= {"poisoning", "tampering", "output",
                                                             "nonsense", "teaching"}  # fmt: skip
    for family, tasks in TASKS.items():
        for task in tasks:
            mine = [c for c in CASES if c[0].family == family and c[1] == task]
            assert any(case not in general for case in mine), task


def _reached(variant: Variant, task: str, metric: str) -> str:
    one = evidence(variant, task, metric)
    return tell_reached(one, assess(one, Verdict.NOT_MET))


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.TESTED])
@pytest.mark.parametrize("reason", ["the model takes a text and nothing else", ""])
def test_what_was_not_measured_gives_no_result(status: Status, reason: str) -> None:
    for variant in POLICY.variants():
        one = evidence(variant, variant.family, variant.metric, status=status)
        one = one.model_copy(update={"result": one.result.model_copy(update={"reason": reason})})
        told = tell_run([one], Goal.PRIVACY, assess(one, Verdict.INCONCLUSIVE))
        check_plain(told)
        assert not re.search(r"\d", told), told


def test_without_sentences_of_the_taxonomy_the_metric_is_told() -> None:
    variant = POLICY.variant("evasion.score")
    for metric in [*TALLIES, "some_other_metric"]:
        one = evidence(variant, "harmful-passes", next(iter(TALLIES)))
        head = measurements(metric if metric in TALLIES else "success_rate")[0]
        head = head.model_copy(update={"metric": metric})
        one = one.model_copy(
            update={"result": one.result.model_copy(update={"measurements": (head,)})}
        )
        bare = assess(one, Verdict.NOT_MET).model_copy(update={"sentences": {}})
        check_plain(tell_run([one], Goal.PRIVACY, bare))


# ---- what is said -------------------------------------------------------------------------------


def test_a_success_says_who_what_how_often_against_what_and_at_what_cost() -> None:
    one = evidence(POLICY.variant("evasion.good_words"), "harmful-passes", "success_rate")
    told = tell_run([one], Goal.PRIVACY, assess(one, Verdict.NOT_MET))
    assert told == (
        'An insider gets 96 % of "spam" texts accepted as "ham" (86 to above 99 %, n = 50; random '
        "words: 4 %) by adding everyday words. It costs little: less than an hour, 1 query, some "
        "skill, easy access (5 points; you asked for protection up to 14)."
    )


def test_a_gain_is_told_as_the_share_it_was_computed_from() -> None:
    one = evidence(POLICY.variant("extraction.learning_based"), "copy", "normalised_gain")
    told = tell_reached(one, assess(one, Verdict.NOT_MET, "table"))
    assert "on 90 % of unseen records after 1 query (78 to 97 %, n = 50" in told
    assert "without any query: 60 %" in told


@pytest.mark.parametrize(("kind", "part"), KINDS.items())
def test_words_follow_the_kind_of_input(kind: str, part: str) -> None:
    one = evidence(POLICY.variant("evasion.score"), "any-wrong", "success_rate")
    told = tell_reached(one, assess(one, Verdict.NOT_MET, kind))
    assert part in told
    assert not [p for p in KINDS.values() if p != part and p in told]


def test_too_little_data_is_no_result_and_says_what_would_settle_it() -> None:
    one = evidence(POLICY.variant("membership.shadow"), "membership", "likelihood_ratio")
    gap = Gap(variant=one.variant, attacker=one.attacker, evidence="E1",
              reason="too little data; about 3 times the sample would settle it")  # fmt: skip
    told = tell_run([one], Goal.PRIVACY, assess(one, Verdict.INCONCLUSIVE, not_tested=(gap,)))
    assert told.startswith("Not conclusive: too little data; about 3 times the sample would")
    doubted = assess(one, Verdict.INCONCLUSIVE, doubt="accuracy is that of guessing")
    assert "whether this is your model" in tell_run([one], Goal.PRIVACY, doubted)
    sentence = Report.of(doubted, context=Context()).goals[0].sentence
    assert sentence.startswith("It is in doubt whether this is your model: accuracy")


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("any-wrong-linf", "texts misclassified (86"),
        ("any-wrong-linf-to-ham", 'texts misclassified as "ham" (86'),
        ("any-wrong-l2-1.5-to-least-likely", "misclassified as the class that the model thinks"),
    ],
)
def test_an_attack_with_a_target_names_it(task: str, told: str) -> None:
    one = evidence(POLICY.variant("evasion.gradient"), task, "success_rate")
    assert told in tell_reached(one, assess(one, Verdict.NOT_MET))


def test_no_sentence_on_a_goal_is_cut_on_the_first_pages() -> None:
    for variant, task, metric in CASES:
        one = evidence(variant, task, metric)
        result = one.result.model_copy(update={"threat": "with at most 1,000 words added"})
        one = one.model_copy(update={"result": result, "attacker": "device_holder"})
        for verdict in (Verdict.NOT_MET, Verdict.INCONCLUSIVE, Verdict.MET):
            told = tell_goal(Goal.PRIVACY, [one], assess(one, verdict))
            assert len(told) <= SENTENCE, told


@pytest.mark.parametrize(
    ("metric", "need", "said"),
    [
        ("success_rate", 1, "more than 20 % beyond the baseline"),
        ("success_rate", 3, "more than 1 % beyond the baseline"),
        ("tolerance_multiple", 1, "more than 5 times"),
        ("normalised_gain", 2, "more than 30 % of what cannot be guessed"),
        ("likelihood_ratio", 3, "more than 1.5 times"),
        ("distinguishing_accuracy", 2, "more than 60 %"),
        ("latency_factor", 1, "more than 5 times"),
    ],
)
def test_from_where_on_an_attack_counts_depends_on_metric_and_need(
    metric: str, need: int, said: str
) -> None:
    made = sample.assessment()
    critical = POLICY.rating.critical_level[need]
    rating = made.goals[Goal.AVAILABILITY].model_copy(update={"critical": critical})
    told = tell_success(metric, rating, made).replace("\N{NO-BREAK SPACE}", " ")
    assert told.endswith(f"{said} is a success.")


def test_an_open_goal_says_what_would_count_as_a_success() -> None:
    made = sample.assessment()
    decider = [e for e in made.evidence if e.id == made.goals[Goal.AVAILABILITY].cheapest_attack]
    told = tell_goal(Goal.AVAILABILITY, decider, made)
    assert told.endswith("At this need, more than 2 times is a success.")
    older = made.model_copy(update={"policy": made.policy.model_copy(update={"edges": {}})})
    assert "is a success" not in tell_goal(Goal.AVAILABILITY, decider, older)


def test_harm_below_none_is_told_as_none() -> None:
    one = evidence(POLICY.variant("poisoning.label_flip"), "accuracy-drop", "tolerance_multiple")
    head, *beside = measurements("tolerance_multiple")
    head = head.model_copy(update={"value": -0.1, "low": -0.5, "high": 0.6})
    result = one.result.model_copy(update={"measurements": (head, *beside)})
    told = tell_reached(one.model_copy(update={"result": result}), assess(one, Verdict.NOT_MET))
    assert "which is 0.00 times the harm you tolerate (0.00 to 0.60; honest records: 0.00)" in told


def test_what_would_settle_a_goal_is_about_the_run_that_may_decide() -> None:
    one = evidence(POLICY.variant("membership.shadow"), "membership", "likelihood_ratio")
    gap = Gap(variant=one.variant, attacker=one.attacker, evidence="E1",
              reason="too little data; about 3 times the sample would settle it")  # fmt: skip
    other = Gap(variant="a", attacker="b", reason="too close to the limit")
    found = assess(one, Verdict.INCONCLUSIVE, not_tested=(other, gap), because=("E1",))
    found = found.model_copy(update={"complete": True})
    (goal,) = Report.of(found, context=Context()).leading.goals
    assert goal.fix == "About 3 times the sample would settle it."
    stopped = found.model_copy(update={"complete": False})
    assert "Continue this run" in Report.of(stopped, context=Context()).leading.goals[0].fix
    failed = evidence(
        POLICY.variant("membership.shadow"), "membership", "likelihood_ratio",
        status=Status.CONTROL_FAILED,
    )  # fmt: skip
    found = assess(failed, Verdict.INCONCLUSIVE, not_tested=(gap,), because=("E1",))
    found = found.model_copy(update={"complete": True})
    assert "more effort" in Report.of(found, context=Context()).leading.goals[0].fix


@pytest.mark.parametrize("verdict", Verdict)
def test_a_goal_does_not_say_its_verdict_twice(verdict: Verdict) -> None:
    one = evidence(POLICY.variant("membership.shadow"), "membership", "likelihood_ratio")
    found = assess(one, verdict)
    told = tell_goal(Goal.PRIVACY, [one], found) + tell_goal(Goal.PRIVACY, [], found)
    assert not re.search(r"is (not )?met\b|not decided|inconclusive|not assessed", told)


def test_an_infinite_ratio_is_told_by_its_lower_bound() -> None:
    one = evidence(POLICY.variant("membership.shadow"), "membership", "likelihood_ratio")
    head = measurements("likelihood_ratio")[0].model_copy(
        update={"value": math.inf, "high": math.inf}
    )
    one = one.model_copy(update={"result": one.result.model_copy(update={"measurements": (head,)})})
    told = tell_reached(one, assess(one, Verdict.NOT_MET))
    assert "a yes is at least 4 times as likely" in told


@pytest.mark.parametrize(
    ("name", "told"),
    [("outsider", "an outsider"), ("device_holder", "a device holder"), ("Mallory", "Mallory")],
)
def test_attackers_have_an_article(name: str, told: str) -> None:
    assert name_attacker(name) == told


def test_every_finding_and_goal_of_a_report_has_a_sentence() -> None:
    report = Report.of(sample.assessment(), context=Context())
    assert all(part.sentence.endswith(".") for part in report.goals)
    assert all(finding.sentence.endswith(".") for finding in report.findings)
