"""In which order defences are tried, what is left out, and what is tried together."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from goalkeeper.comparing import Direction
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.choosing import choose_defences
from goalkeeper.hardening.orchestration import MOST_TOGETHER, HardenOptions, Search
from goalkeeper.hardening.records import GoalEffect, RuledTrial, TriedDefence
from tests.defences.applications import APPLICATIONS

N, P = Goal.INTEGRITY, Goal.PRIVACY
INF = float("inf")


def one(name: str, family: str, goal: Goal = P) -> Any:
    defence = SimpleNamespace(goals={goal}, families={family})
    return SimpleNamespace(name=name, words=name, defence=defence)


class Trials:
    """Rules as it is told; what is not named is refused."""

    def __init__(self, **rulings: RuledTrial) -> None:
        self.rulings, self.seen, self.root = rulings, list[str](), Path("nowhere")

    def left(self) -> float:
        return INF

    def attempt(self, before: Any, chosen: Any, folder: Any, seconds: float) -> RuledTrial:
        name = " + ".join(c.name for c in chosen)
        self.seen.append(name)
        return self.rulings.get(name) or ruled(name)


def ruled(
    name: str, *, accepted: bool = False, remaining: str = "", after: Verdict = Verdict.NOT_MET
) -> RuledTrial:
    effect = GoalEffect(
        before=Verdict.NOT_MET, after=after, potential_before=5, potential_after=5,
        change=Direction.UNDECIDED,
    )  # fmt: skip
    tried = TriedDefence(defence=name, accepted=accepted, why="why", goals={P: effect})
    return RuledTrial(
        key="", tried=tried, complete=True, remaining={P: remaining} if remaining else {}
    )


def search(chosen: list[Any], rulings: dict[str, RuledTrial]) -> tuple[Search, list[str]]:
    trials = Trials(**rulings)
    before = SimpleNamespace(
        aimed=lambda several: tuple({g for c in several for g in c.defence.goals})
    )
    made = Search(cast(Any, trials), cast(Any, before), chosen, HardenOptions(), INF)
    made.run()
    return made, trials.seen


def test_where_another_attack_is_as_cheap_both_defences_are_tried_together_at_once() -> None:
    chosen = [one("a", "membership"), one("b", "evasion"), one("c", "inversion")]
    rulings = {
        "a": ruled("a", remaining="inversion"),
        "a + c": ruled("a + c", accepted=True, after=Verdict.INCONCLUSIVE),
    }
    made, seen = search(chosen, rulings)
    assert seen == ["a", "a + c", "b"], "what was accepted together is not tried alone"
    assert [t.defence for t in made.tried if t.accepted] == ["a + c"]


def test_a_stronger_setting_comes_next_where_the_same_kind_of_attack_remains() -> None:
    mild, strong = one("a", "membership"), one("a", "membership")
    strong.words = "a (more)"
    chosen = [mild, one("b", "evasion"), one("c", "membership"), strong]
    _, seen = search(chosen, {"a": ruled("a", remaining="membership")})
    assert seen[:3] == ["a", "a", "a + c"]
    assert seen.count("a") == 2, "it is not tried a second time later"


def test_trials_of_several_defences_are_as_many_as_the_error_allows_for() -> None:
    chosen = [one(f"d{i}", "membership") for i in range(20)]
    rulings = {c.name: ruled(c.name, remaining="membership") for c in chosen}
    _, seen = search(chosen, rulings)
    assert sum(" + " in name for name in seen) == MOST_TOGETHER


def test_what_serves_only_goals_that_are_met_now_is_left_out() -> None:
    chosen = [one("a", "membership"), one("b", "membership"), one("c", "evasion", N)]
    made, seen = search(chosen, {"a": ruled("a", accepted=True, after=Verdict.MET)})
    assert seen == ["a", "c"]
    assert "privacy is met" in made.left_out["b"]


def test_goals_take_turns_each_with_what_is_advised_first_for_it() -> None:
    def evidence(name: str, family: str) -> SimpleNamespace:
        return SimpleNamespace(id=name, family=family, attack=name, unit=name)

    def rating(because: str) -> SimpleNamespace:
        return SimpleNamespace(verdict=Verdict.NOT_MET, because=(because,), cheapest_attack=because)

    def advice(goal: Goal, *tries: str) -> SimpleNamespace:
        return SimpleNamespace(for_=(goal,), tries=tries)

    assessment = SimpleNamespace(
        goals={N: rating("evades"), P: rating("infers")},
        evidence=(evidence("evades", "evasion"), evidence("infers", "membership")),
        advice=(
            advice(N, "even_weights", "abstention"),
            advice(P, "regularisation", "labels_only"),
        ),
    )
    chosen, _ = choose_defences(APPLICATIONS["linear"](), cast(Any, assessment))
    assert [c.name for c in chosen][:4] == [
        "even_weights",
        "regularisation",
        "abstention",
        "labels_only",
    ]
