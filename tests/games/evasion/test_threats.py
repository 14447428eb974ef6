"""The threat decides what the game asks, allows and measures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, nbinom

from goalkeeper.assessing import run_attack
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Data, Floats, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import DescriptionError
from goalkeeper.core.evidence import Evidence, Status
from goalkeeper.core.power import Attacker
from goalkeeper.core.threats import ImageThreat, TableThreat, TextThreat, Threats
from goalkeeper.games.evasion import EntryConstraint, Evasion
from goalkeeper.games.evasion.table_threat import build_entry_constraint
from goalkeeper.games.evasion.ways import find_kind
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.games.shared.wording import percent
from goalkeeper.planning import make_plan
from goalkeeper.policy import default_policy
from goalkeeper.stats import clopper_pearson
from goalkeeper.testing.worlds import evasion
from tests.attacks.evasion.fields import application, dealt, linear

GAME = Evasion(n=40)
POLICY = default_policy()


def images(*threats: ImageThreat, classes: int = 3) -> Application:
    app = application(*linear(classes=classes))
    return replace(app, threats=Threats(images=threats)) if threats else app


def names(app: Application) -> list[str]:
    return [task.name for task in GAME.tasks(app)]


# ---- images --------------------------------------------------------------------------------------


def test_the_usual_tasks_keep_their_names() -> None:
    assert names(images()) == ["any-wrong-linf", "any-wrong-l2", "any-wrong-pixels"]
    one = images(ImageThreat(norm="linf", radius=0.02))
    assert names(one) == ["any-wrong-linf"]
    assert dealt(one, "any-wrong-linf").question.constraint.most == 0.02


def test_several_radii_are_tasks_of_their_own() -> None:
    app = images(
        ImageThreat(norm="linf", radius=0.03),
        ImageThreat(norm="linf", radius=8 / 255),
        ImageThreat(norm="l2"),
        ImageThreat(norm="linf", radius=0.3, target="class 1"),
    )
    found = names(app)
    assert found[:3] == ["any-wrong-linf-0.03", "any-wrong-linf-0.0314", "any-wrong-l2"]
    assert found[3] == "any-wrong-linf-0.3-to-class-1"
    most = [find_kind(app, task).constraint(app).most for task in GAME.tasks(app)]
    assert most[:2] == [0.03, 8 / 255]
    insider = Attacker(name="insider", power=POLICY.attackers["insider"].power)
    plan = make_plan(replace(app, attackers=(insider,)))
    for name in found:
        assert any(e.task.name == name and e.unit for e in plan.entries)


def test_a_target_counts_only_its_class() -> None:
    app = images(
        ImageThreat(norm="linf", target="class 2"), ImageThreat(norm="linf", target="least-likely")
    )
    first, second = names(app)
    question = dealt(app, first).question
    assert (question.y != 2).all()
    assert (question.goal.wanted == [False, False, True]).all()
    question = dealt(app, second).question
    logits = question.x.reshape(len(question.x), -1) @ linear(classes=3)[0].T + linear(classes=3)[1]
    assert (question.goal.wanted.argmax(axis=1) == logits.argmin(axis=1)).all()
    assert (question.goal.wanted.sum(axis=1) == 1).all()
    with pytest.raises(DescriptionError, match="class 9"):
        names(images(ImageThreat(norm="l2", target="class 9")))


def test_a_target_with_a_harmless_class_belongs_to_one_direction() -> None:
    app = replace(
        images(
            ImageThreat(norm="l2", target="class 0"),
            ImageThreat(norm="l2", target="class 1"),
            ImageThreat(norm="l2", target="least-likely"),
        ),
        harmless=0,
    )
    assert names(app) == [
        "harmful-passes-l2-to-class-0",
        "harmless-declined-l2-to-class-1",
        "harmful-passes-l2-to-least-likely",
        "harmless-declined-l2-to-least-likely",
    ]


def test_a_radius_below_one_step_is_said_to_allow_nothing() -> None:
    app = images(ImageThreat(norm="linf", radius=0.001))
    unfit = GAME.unfit(app, GAME.tasks(app)[0])
    assert unfit is not None
    assert "nothing can be changed at Linf 0.001" in unfit.reason


def test_text_budgets_reach_the_game() -> None:
    app = replace(weak("text"), threats=Threats(text=TextThreat(words=3, edits=2)))
    most = {t.name: find_kind(app, t).constraint(app).most for t in GAME.tasks(app)}
    assert set(most.values()) == {3.0, 2.0}
    assert {v for k, v in most.items() if k.endswith("-edits")} == {2.0}


def weak(kind: str) -> Application:
    return evasion.rigged(kind, np.random.default_rng(0))


# ---- tables --------------------------------------------------------------------------------------


def accounts(threat: TableThreat, n: int = 60) -> Application:
    """Accounts with total = first + second and balance 0 unless open, judged by a linear rule."""
    columns = (
        Column(name="total", low=0, high=100),
        Column(name="first", kind="integer", low=0, high=50),
        Column(name="second", low=0, high=50),
        Column(name="open", kind="category", categories=("no", "yes")),
        Column(name="balance", low=0, high=10),
    )
    parts = {}
    weights, bias = np.array([0.3, 0, 0, 0, 0.5]), -0.3 * 50 - 1.25
    for k, part in enumerate(PARTS):
        rng = np.random.default_rng(k)
        first, second = rng.integers(0, 51, n), rng.uniform(0, 50, n)
        is_open = rng.integers(0, 2, n)
        balance = np.where(is_open, rng.uniform(0, 10, n), 0)
        x = np.column_stack([first + second, first, second, is_open, balance]).astype(float)
        parts[part] = Data(x=x, y=(x @ weights + bias > 0).astype(np.int64))
    target = LinearTarget(np.vstack([0 * weights, weights]), np.array([0, bias]))
    return Application(
        name="accounts",
        target=target,
        data=Splits(**parts),
        domain=TableDomain(columns=columns),
        classes=("keep", "close"),
        threats=Threats(table=threat),
    )


RELATIONS = ("total = first + second", "if open = no then balance = 0")


def run(attack: str, app: Application) -> Evidence:
    insider = Attacker(name="insider", power=POLICY.attackers["insider"].power)
    (found,) = run_attack(attack, replace(app, attackers=(insider,)), "insider")
    assert found.status is not Status.FAILED_TO_RUN, found.result.traceback
    return found


def successes(evidence: Evidence) -> int:
    tally: Any = evidence.result.trials[-1].tally
    return int(tally.successes)


@pytest.mark.parametrize("attack", ["columns_from_scores", "columns_from_labels"])
def test_attacks_search_within_the_relations(attack: str) -> None:
    """The rule sees only the total and the balance, and the total cannot move alone.

    An attack that ignores the relation moves the total, and not one of its successes would count;
    one that searches within it moves a summand, and the total follows.
    """
    free = run(attack, accounts(TableThreat(most=2)))
    kept = run(attack, accounts(TableThreat(most=2, relations=RELATIONS)))
    assert free.status is kept.status is Status.TESTED
    assert successes(kept) >= 0.5 * successes(free) > 10
    caught = {c.name: c.passed for c in kept.result.controls}
    assert caught["every change satisfies the constraint"]
    assert "2 relations kept" in kept.result.summary
    assert "at most 2 columns changed" in kept.result.threat


def test_the_game_counts_no_row_that_breaks_a_relation() -> None:
    app = accounts(TableThreat(most=3, relations=RELATIONS))
    constraint = build_entry_constraint(app)
    before = app.data.holdout.x[:1].astype(float)
    moved, honest = before.copy(), before.copy()
    moved[0, 0] += 1
    honest[0, :2] += 1
    assert constraint.allows(before, moved).tolist() == [False]
    assert constraint.allows(before, honest).tolist() == [True]
    free = build_entry_constraint(accounts(TableThreat(most=3)))
    assert free.allows(before, moved).tolist() == [True]


def test_records_that_break_a_relation_are_not_attacked() -> None:
    app = accounts(TableThreat(relations=RELATIONS))
    x = app.data.holdout.x.copy()
    x[7, 0] = 99.5
    holdout = replace(app.data.holdout, x=x)
    odd = replace(app, data=replace(app.data, holdout=holdout))
    asked = dealt(odd, "any-wrong", Evasion(n=1000)).question.x
    assert not (asked[:, 0] == 99.5).any()
    x[:, 0] += 1
    unfit = GAME.unfit(replace(odd, data=replace(app.data, holdout=replace(holdout, x=x))),
                       GAME.tasks(odd)[0])  # fmt: skip
    assert unfit is not None
    assert "60 of 60 records break the relation total = first + second" in unfit.reason


def limits(**threat: Any) -> tuple[EntryConstraint, Floats]:
    app = accounts(TableThreat(**threat))
    constraint = build_entry_constraint(app)
    assert isinstance(constraint, EntryConstraint)
    return constraint, np.array([[40.0, 20, 20, 1, 4]])


def allowed(constraint: EntryConstraint, before: Floats, **changes: float) -> bool:
    after = before.copy()
    for name, value in changes.items():
        after[0, [c.name for c in constraint.domain.columns].index(name)] = value
    return bool(constraint.allows(before, after)[0])


def test_columns_moves_and_counts_bound_a_change() -> None:
    constraint, row = limits(
        change=("first", "balance", "total"), most=2, moves={"first": "+10 %", "balance": 0.5}
    )
    assert allowed(constraint, row, first=22)
    assert not allowed(constraint, row, first=23)
    assert not allowed(constraint, row, first=19)
    assert allowed(constraint, row, balance=4.5)
    assert not allowed(constraint, row, balance=4.6)
    assert not allowed(constraint, row, second=21)
    assert not allowed(constraint, row, open=0)
    assert allowed(constraint, row, first=21, total=41)
    assert not allowed(constraint, row, first=21, total=41, balance=4.1)
    words = "with at most 2 columns changed, first +10 %, balance ±0.5, only first, balance, total"
    assert constraint.within == words


def test_costs_bound_a_change_by_their_sum() -> None:
    constraint, row = limits(costs={"first": 2, "open": 5, "balance": 1}, budget=8)
    assert constraint.unit == "cost"
    assert allowed(constraint, row, first=24)
    assert not allowed(constraint, row, first=25)
    assert allowed(constraint, row, open=0, balance=7)
    assert not allowed(constraint, row, open=0, balance=7.5)
    assert not allowed(constraint, row, second=21)
    after = np.array([[40.0, 30, 20, 0, 9]])
    found = constraint.repair(row, after)
    assert constraint.allows(row, found).all()
    assert constraint.size(row, found)[0] > 6  # whole numbers leave some of the budget


def test_attacks_reach_their_goal_within_a_budget_of_costs() -> None:
    evidence = run("columns_from_scores", accounts(TableThreat(costs={"total": 1}, budget=6)))
    assert successes(evidence) > 5
    assert "a cost of at most 6" in evidence.result.threat
    closer = run("columns_from_scores", accounts(TableThreat(costs={"total": 1}, budget=2)))
    assert successes(closer) < successes(evidence)


def test_a_threat_that_does_not_fit_the_table_is_refused() -> None:
    for threat in (TableThreat(change=("frist",)), TableThreat(relations=("total = frist",))):
        app = accounts(threat)
        with pytest.raises(DescriptionError, match="first"):
            GAME.unfit(app, GAME.tasks(app)[0])


# ---- whose inputs --------------------------------------------------------------------------------


@pytest.mark.parametrize(("inputs", "missing"), [("own", "others"), ("others", "its own")])
def test_attacks_on_inputs_that_an_attacker_cannot_change_are_skipped(
    inputs: Any, missing: str
) -> None:
    who = Attacker(name="someone", power=POLICY.attackers["insider"].power, writes="both")
    some = replace(who, name="limited", writes=inputs)
    app = replace(weak("text"), attackers=(who, some))
    entries = [e for e in make_plan(app).entries if e.game == "evasion" and e.attack]
    both = {(e.attack, e.task.name) for e in entries if e.unit and e.attacker is who}
    own = {(e.attack, e.task.name) for e in entries if e.unit and e.attacker is some}
    skipped = [e for e in entries if e.attacker is some and not e.unit]
    wanted = "harmful-passes" if inputs == "own" else "harmless-declined"
    assert own == {pair for pair in both if pair[1].startswith(wanted)}
    assert own < both
    reasons = {e.reasons[0] for e in skipped}
    assert any(r.startswith(f"needs to change inputs of {missing}") for r in reasons)


# ---- robust accuracy -----------------------------------------------------------------------------


@pytest.mark.parametrize("accuracy", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("withstands", [0.05, 0.4, 0.8, 1.0])
def test_the_interval_of_robust_accuracy_covers(accuracy: float, withstands: float) -> None:
    """Inputs are drawn until 30 are right; of these a binomial number withstands.

    The coverage is enumerated, not simulated: it holds for each of these laws exactly.
    """
    n, truth, covered = 30, accuracy * withstands, 0.0
    kept = np.arange(n + 1)
    chance = binom.pmf(kept, n, withstands)
    wrong = np.arange(int(nbinom.ppf(1 - 1e-7, n, accuracy)) + 1)
    for extra, weight in zip(wrong.tolist(), nbinom.pmf(wrong, n, accuracy), strict=True):
        for count in kept[chance > 1e-9].tolist():
            low, high = clopper_pearson(count, n + extra)
            covered += weight * chance[count] * (low <= truth <= high)
    assert covered >= 0.95


def test_robust_accuracy_counts_what_was_wrong_before() -> None:
    app = accounts(TableThreat(most=1), n=150)
    holdout = app.data.holdout
    y = holdout.y.copy()
    y[:30] = 1 - y[:30]  # a fifth is wrong before any attack
    app = replace(app, data=replace(app.data, holdout=replace(holdout, y=y)))
    evidence = run("columns_from_scores", app)
    found = {m.metric: m for m in evidence.result.measurements if not m.group}
    robust, broken = found["robust accuracy"], successes(evidence)
    attacked = found["success_rate"].n
    assert (robust.n, attacked) == (150, 120)
    assert robust.value == pytest.approx((attacked - broken) / robust.n)
    assert (robust.low, robust.high) == pytest.approx(clopper_pearson(attacked - broken, 150))
    assert robust.baseline == pytest.approx(120 / 150)
    assert f"robust accuracy {percent(robust.value)} (" in evidence.result.summary
