"""Advice: against what decides, for the application's kind of input, for goals that count."""

from __future__ import annotations

from goalkeeper.advise import advise
from goalkeeper.core.assessment import Advice, AttackerRow, Bracket, GoalRating, Verdict
from goalkeeper.core.evidence import Evidence
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.standing import Standing, StandingKind
from goalkeeper.defences import catalogue as defences
from goalkeeper.policy import default_policy
from goalkeeper.policy._remedies import remedies_for
from tests.report import results

POLICY = default_policy()
N, C = Goal.INTEGRITY, Goal.CONFIDENTIALITY


def rating(goal: Goal, verdict: Verdict = Verdict.NOT_MET, cheapest: str = "") -> GoalRating:
    bracket = Bracket(low=1, high=4)
    return GoalRating(
        goal=goal, need=ProtectionNeed(goal=goal, level=1, damages=()), required=14, critical=3,
        verdict=verdict, risk=bracket, demonstrated=2, potential=2, exposure=bracket,
        cheapest_attack=cheapest,
    )  # fmt: skip


def found(
    id: str,
    variant: str,
    goal: Goal,
    *,
    attacker: str = "customer",
    questions: int = 100,
    view: str = "scores",
    capabilities: tuple[str, ...] = ("M2",),
) -> Evidence:
    known = POLICY.variant(variant)
    made = results.good_words()
    trials = [trial.model_copy(update={"queries": questions}) for trial in made.result.trials]
    needs = {"view": view, "capabilities": capabilities}
    update = {
        "id": id,
        "variant": variant,
        "family": known.family,
        "goals": (goal,),
        "attacker": attacker,
        "requires": made.requires.model_copy(update=needs),
        "result": made.result.model_copy(update={"trials": tuple(trials)}),
    }
    return made.model_copy(update=update)


def somebody(name: str, *, grade: str = "none", writes: str = "own") -> AttackerRow:
    return AttackerRow(
        name=name, label=name, box="grey", knowledge={"data": grade, "model": grade},
        capabilities=(), view="scores", window="easy", writes=writes, queries=1000,
        queries_per_day=100, identities=1, share=0.1, compute_h=1,
    )  # fmt: skip


ATTACKERS = somebody("customer"), somebody("insider", grade="full", writes="stored")


def advice(*evidence: Evidence, kind: str = "text", **goals: GoalRating) -> tuple[Advice, ...]:
    ratings = {Goal(name): one for name, one in goals.items()}
    return advise(evidence, ratings, ATTACKERS, lambda variant: POLICY.remedies(variant, kind))


def test_every_variant_has_a_remedy_for_every_kind_of_input() -> None:
    for variant in POLICY.variants():
        for kind in variant.inputs or ("text", "table", "image"):
            assert POLICY.remedies(variant.id, kind), (variant.id, kind)


def test_remedies_name_only_the_kind_of_input_that_the_application_has() -> None:
    others = {"text": ("image", "record"), "table": ("text", "image"), "image": ("text", "record")}
    for kind, words in others.items():
        for remedy in remedies_for(POLICY.taxonomy.remedies, "evasion.score", kind):
            assert not [w for w in words if w in f"{remedy.defence} {remedy.reason}"], remedy


def test_what_decides_comes_first_even_where_something_else_did_more_harm() -> None:
    worse, decides = found("E1", "evasion.good_words", C), found("E2", "extraction.with_scores", C)
    given = advice(worse, decides, confidentiality=rating(C, cheapest="E2"))
    assert given[0].defence == "return less information"
    assert given[0].variants == ("extraction.with_scores",)


def test_goals_that_nobody_needs_and_runs_that_decide_nothing_call_for_no_defence() -> None:
    one = found("E1", "evasion.good_words", N)
    assert advice(one, integrity=rating(N))
    assert not advice(one, integrity=rating(N, Verdict.NOT_ASSESSED))
    harmless = Standing(kind=StandingKind.NO_HARM, reason="it was granted")
    apart = one.model_copy(update={"standing": harmless})
    assert not advice(apart, integrity=rating(N))


def test_what_can_be_tried_exists_and_every_defence_is_advised() -> None:
    listed = [
        (family, remedy)
        for family, remedies in POLICY.taxonomy.remedies.items()
        for remedy in remedies
    ]
    for family, remedy in listed:
        for name in remedy.tries:  # hardening tries it against the same attacks
            assert family in defences()[name].families, (family, name)
    assert {name for _, remedy in listed for name in remedy.tries} == set(defences())


def test_what_has_no_effect_on_what_an_attack_used_is_not_advised() -> None:
    def tried(attacker: str, variant: str, goal: Goal, questions: int) -> set[str]:
        able = ("T4",) if variant.startswith("poisoning") else ("M2",)
        one = found("E1", variant, goal, attacker=attacker, questions=questions, capabilities=able)
        ratings = {goal: rating(goal, cheapest="E1")}
        given = advise([one], ratings, ATTACKERS, lambda v: POLICY.remedies(v, "text"))
        return {name for a in given for name in a.tries}

    copies = "extraction.with_scores"
    assert {"labels_only", "query_limit"} <= tried("customer", copies, C, 100)
    assert not {"labels_only", "query_limit"} & tried("insider", copies, C, 100)
    assert "query_limit" not in tried("customer", "evasion.score", N, 0)
    flips = "poisoning.label_flip"
    assert {"closed_training", "contribution_cap"} <= tried("customer", flips, N, 0)
    assert "two_signatures" not in tried("customer", flips, N, 0)
    assert "two_signatures" in tried("insider", flips, N, 0)
