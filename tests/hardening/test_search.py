"""In which order defences are tried, what is left out, and what is tried together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from goalkeeper.comparing import Direction
from goalkeeper.core.assessment import Verdict
from goalkeeper.core.errors import TimeIsUp
from goalkeeper.core.goals import Goal
from goalkeeper.hardening.choosing import Offer, choose_defences
from goalkeeper.hardening.records import GoalEffect, RuledTrial, TriedDefence
from goalkeeper.hardening.search import MOST_TOGETHER, OUT_OF_TIME, Search
from tests.defences.applications import APPLICATIONS

N, P = Goal.INTEGRITY, Goal.PRIVACY
INF = float("inf")


def offer(
    name: str,
    family: str = "membership",
    goal: Goal = P,
    *,
    settings: int = 1,
    narrows: bool = False,
    work: float = 1.0,
) -> Offer:
    """Offer a made-up defence, with settings 1, 2, ... of which the last is the strongest."""
    defence: Any = SimpleNamespace(
        goals={goal}, families={family}, narrows=narrows, work=lambda app, settings: work
    )
    names = [f"{name}{i}" for i in range(1, settings + 1)] if settings > 1 else [name]
    made = [SimpleNamespace(name=name, words=w, defence=defence, settings=None) for w in names]
    return Offer(name, defence, cast(Any, tuple(made)))


class Trials:
    """Rules as it is told; what is not named is refused, and each trial takes some seconds."""

    root, workers = Path("nowhere"), 1

    def __init__(
        self, rulings: Mapping[str, RuledTrial], time: float = INF, took: float = 0.0
    ) -> None:
        self.rulings, self.time, self.took, self.seen = rulings, time, took, list[str]()

    def left(self) -> float:
        return self.time

    def attempt(self, before: Any, chosen: Any, folder: Any, seconds: float) -> RuledTrial:
        name = " + ".join(c.words for c in chosen)
        self.seen.append(name)
        self.time -= self.took
        found = self.rulings.get(name) or ruled(name)
        if found.key == "late":
            raise TimeIsUp
        return found


def ruled(
    name: str,
    *,
    accepted: bool = False,
    remaining: str = "",
    after: Verdict = Verdict.NOT_MET,
    milder: bool = False,
    key: str = "",
) -> RuledTrial:
    effect = GoalEffect(
        before=Verdict.NOT_MET, after=after, potential_before=5, potential_after=5,
        change=Direction.UNDECIDED,
    )  # fmt: skip
    tried = TriedDefence(defence=name, accepted=accepted, why="why", goals={P: effect})
    return RuledTrial(
        key=key,
        tried=tried,
        complete=True,
        remaining={P: remaining} if remaining else {},
        moved=(P,) if accepted else (),
        milder=milder,
    )


def search(
    offers: Sequence[Offer],
    rulings: Mapping[str, RuledTrial] | None = None,
    *,
    time: float = INF,
    took: float = 0.0,
    near: Sequence[str] = (),
    attacks: float = 0.0,
) -> tuple[Search, list[str]]:
    """Go through offers; `near` concern what decides (default: all do)."""
    trials = Trials(rulings or {}, time, took)
    result = SimpleNamespace(took=attacks, cost=SimpleNamespace(models=0))
    before = SimpleNamespace(
        aimed=lambda several: tuple({g for c in several for g in c.defence.goals}),
        concerns=lambda one: not near or one.name in near,
        costs=SimpleNamespace(app=None, training=10.0),
        whole=SimpleNamespace(evidence=(SimpleNamespace(unit="u", result=result),)),
    )
    made = Search(cast(Any, trials), cast(Any, before), offers, lambda _: None, seconds=time)
    made.run()
    return made, trials.seen


def accepted(*names: str, after: Verdict = Verdict.INCONCLUSIVE) -> dict[str, RuledTrial]:
    return {name: ruled(name, accepted=True, after=after) for name in names}


# ---- what only takes from attackers --------------------------------------------------------------


def test_what_takes_from_attackers_comes_first_all_together_and_as_strong_as_can_be() -> None:
    offers = [offer("a"), offer("x", settings=4, narrows=True), offer("y", narrows=True)]
    _, seen = search(offers)
    assert seen == ["x4 + y", "a"]


def test_where_all_of_it_together_does_not_help_no_part_is_tried() -> None:
    offers = [offer("x", settings=4, narrows=True), offer("y", narrows=True)]
    made, seen = search(offers)
    assert seen == ["x4 + y"]
    assert set(made.left_out) == {"x", "y"}


def test_of_what_is_accepted_the_least_and_mildest_is_kept() -> None:
    offers = [offer("x", settings=4, narrows=True), offer("y", narrows=True)]
    made, seen = search(offers, accepted("x4 + y", "x4", "x3", "x2"))
    assert seen == ["x4 + y", "x4", "x2", "x1"], "settings by bisection"
    assert [[one.words for one in kept] for kept in made.accepted] == [["x2"]]
    assert set(made.left_out) == {"y"}
    assert made.combine() is not None


def test_less_is_not_kept_where_it_protects_less() -> None:
    offers = [offer("x", narrows=True), offer("y", narrows=True)]
    less = ruled("x", accepted=True, after=Verdict.NOT_MET)
    made, _ = search(offers, {**accepted("x + y"), "x": less})
    assert [[one.words for one in kept] for kept in made.accepted] == [["x", "y"]]


def test_what_concerns_other_attackers_is_tried_where_the_rest_does_not_help() -> None:
    offers = [offer("x", narrows=True), offer("y", narrows=True)]
    _, seen = search(offers, near=["y"])
    assert seen == ["y", "x + y"]
    _, seen = search(offers, accepted("y"), near=["y"])
    assert seen == ["y"]


# ---- what changes the model ----------------------------------------------------------------------


def test_where_the_strongest_setting_does_not_help_no_milder_one_is_tried() -> None:
    made, seen = search([offer("a", settings=3)])
    assert seen == ["a3"]
    assert set(made.left_out) == {"a1", "a2"}
    assert "a3 did not help" in made.left_out["a1"]


def test_what_costs_too_much_is_tried_milder_until_its_price_is_tolerated() -> None:
    costly = {name: ruled(name, milder=True) for name in ("a3", "a2")}
    _, seen = search([offer("a", settings=3), offer("b")], costly)
    assert seen == ["a3", "a2", "a1", "b"]


def test_of_what_is_accepted_milder_settings_are_tried_at_the_end() -> None:
    made, seen = search([offer("a", settings=3), offer("b")], accepted("a3", "a2"))
    assert seen == ["a3", "b", "a2", "a1"]
    assert [[one.words for one in kept] for kept in made.accepted] == [["a2"]]


def test_where_another_attack_is_as_cheap_both_defences_are_tried_together_at_once() -> None:
    offers = [offer("a"), offer("b", "evasion"), offer("c", "inversion")]
    made, seen = search(offers, {"a": ruled("a", remaining="inversion"), **accepted("a + c")})
    assert seen == ["a", "a + c", "b"], "what was accepted together is not tried alone"
    assert [t.defence for t in made.tried if t.accepted] == ["a + c"]


def test_trials_of_several_defences_are_as_many_as_the_error_allows_for() -> None:
    offers = [offer(f"d{i}") for i in range(20)]
    rulings = {o.name: ruled(o.name, remaining="membership") for o in offers}
    _, seen = search(offers, rulings)
    assert sum(" + " in name for name in seen) == MOST_TOGETHER


def test_what_serves_only_goals_that_are_met_now_is_left_out() -> None:
    offers = [offer("a"), offer("b"), offer("c", "evasion", N)]
    made, seen = search(offers, accepted("a", after=Verdict.MET))
    assert seen == ["a", "c"]
    assert "privacy is met" in made.left_out["b"]


# ---- time ----------------------------------------------------------------------------------------


def test_short_trials_come_before_long_ones() -> None:
    _, seen = search([offer("long", work=100.0), offer("short")], time=10_000.0)
    assert seen == ["short", "long"]


def test_no_trial_is_begun_that_cannot_end_and_it_is_said_what_it_takes() -> None:
    made, seen = search([offer("long", work=60.0)], time=300.0, attacks=120.0)
    assert not seen
    why = made.left_out["long"]
    for words in ("about 10 min", "at least 2 min", "5 min were left", "--time 19m", "--defence"):
        assert words in why
    assert made.postponed == {"long"}


def test_what_time_ends_is_refused_and_the_rest_postponed() -> None:
    late = {"a": ruled("a", key="late")}
    made, seen = search([offer("a"), offer("b")], late, time=50.0, took=45.0)
    assert seen == ["a"]
    assert "time was over" in made.tried[0].why
    assert made.left_out == {"b": OUT_OF_TIME}


def test_what_can_be_done_without_is_asked_last() -> None:
    offers = [offer("x", narrows=True), offer("y", narrows=True), offer("a")]
    _, seen = search(offers, accepted("x + y"))
    assert seen == ["x + y", "a", "x", "y"]


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
