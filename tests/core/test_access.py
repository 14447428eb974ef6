"""What was not granted raises, and what is spent is counted: also for attacks that cheat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.change import Change
from goalkeeper.core.data import Bools, Data, Inputs, Ints, Splits
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import BudgetSpent, ChangeRefused, NotGranted, NotOffered
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View


class Ask:
    """A target that says class 1 for texts holding an x, and counts."""

    offers = View.GRADIENTS

    def __init__(self) -> None:
        self.asked = 0

    def answer(self, x: Inputs, view: View) -> Answers:
        self.asked += len(x)
        labels = np.array(["x" in v for v in x], dtype=np.int64)
        return Answers(labels, np.eye(2)[labels], np.eye(2)[labels])

    def parameters(self) -> Mapping[str, Any]:
        return {"weights": np.ones((1, 1))}

    def artefact(self) -> Path:
        raise NotOffered("no file")


def part(name: str, n: int = 20) -> Data:
    x = np.array([f"{name}{i}" for i in range(n)], dtype=object)
    return Data(x=x, y=np.arange(n) % 2)


def honest(x: Inputs, bases: Data) -> Ints:
    return bases.y


def application() -> Application:
    return Application(
        name="a",
        target=Ask(),
        data=Splits(train=part("t"), holdout=part("h"), calibration=part("c"), similar=part("s")),
        domain=TextDomain(),
        classes=("ham", "spam"),
        harmless=0,
        labeller=honest,
    )


def access(power: Power, app: Application | None = None, **terms: Any) -> Access:
    seeds = np.random.SeedSequence(0).spawn(2)
    given = {"rng": np.random.default_rng(seeds[0]), "victim": seeds[1], **terms}
    return Access(app or application(), Terms(granted=power, **given))


TWO = np.array(["x", "y"], dtype=object)
ASKS = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=10))


@pytest.mark.requirement("S7")
@pytest.mark.parametrize(
    "reach",
    [
        lambda a: a.query(TWO),
        lambda a: a.parameters(),
        lambda a: a.artefact(),
        lambda a: a.data(),
        lambda a: a.trainer(),
        lambda a: a.reachable(),
        lambda a: a.own(),
        lambda a: a.tamper(dict),
        lambda a: a.intercept(lambda answers: answers),
    ],
)
def test_every_grant_is_refused_by_default(reach: Any) -> None:
    with pytest.raises(NotGranted):
        reach(access(Power()))


def test_a_label_only_attacker_cannot_see_scores() -> None:
    answers = access(ASKS).query(TWO)
    assert answers.labels.tolist() == [1, 0]
    with pytest.raises(NotGranted):
        _ = answers.scores
    with pytest.raises(NotGranted):
        _ = answers.logits


@pytest.mark.requirement("S17")
def test_the_call_that_would_exceed_the_budget_does_not_reach_the_target() -> None:
    app = application()
    door = access(ASKS, app)
    for _ in range(5):
        door.query(TWO)
    with pytest.raises(BudgetSpent, match="10 of 10"):
        door.query(TWO)
    assert isinstance(app.target, Ask)
    assert door.spent.queries == app.target.asked == 10


def test_each_campaign_has_its_own_budget() -> None:
    door = access(
        Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=2)), campaigns=2
    )
    door.query(TWO, np.array([0, 1]))
    door.query(TWO[:1], np.array([0]))
    assert door.left().tolist() == [0, 1]
    with pytest.raises(BudgetSpent, match="campaign 0"):
        door.query(TWO, np.array([0, 1]))


def test_what_serves_all_campaigns_is_paid_by_each() -> None:
    """Asked once, counted once at the target; every campaign's budget shrinks by all of it."""
    power = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=5))
    door = access(power, campaigns=3)
    door.query(TWO)
    door.query(TWO[:1], np.array([2]))
    assert door.left().tolist() == [3, 3, 2]
    assert door.spent.queries == 3
    with pytest.raises(BudgetSpent, match="campaign 2"):
        door.query(np.concatenate([TWO, TWO[:1]]))
    assert door.left().tolist() == [3, 3, 2]


def test_checkpoints_remember_what_had_been_spent() -> None:
    door = access(ASKS)
    door.query(TWO)
    door.checkpoint("early")
    door.query(TWO)
    door.checkpoint("late")
    assert [(c.answer, c.cost.queries) for c in door.checkpoints] == [("early", 2), ("late", 4)]


@pytest.mark.requirement("S6")
def test_partial_data_is_similar_and_full_data_is_the_training_data_without_the_secret() -> None:
    partial = Power(knowledge=Knowledge(data=Grade.PARTIAL))
    full = Power(knowledge=Knowledge(data=Grade.FULL))
    secret = np.arange(20) < 15
    assert access(partial).data().x[0] == "s0"
    assert access(full, withheld=secret).data().x.tolist() == [f"t{i}" for i in range(15, 20)]


def poisoner(*cells: str, share: float = 0.5, data: Grade = Grade.FULL) -> Power:
    return Power(
        knowledge=Knowledge(data=data),
        capabilities=Capability.of(cells),
        budget=Budget(share=share),
    )


ADD = np.array(["x1", "x2"], dtype=object)


@pytest.mark.requirement("S12", "S13", "S14", "S15")
@pytest.mark.parametrize(
    ("change", "cell"),
    [
        (Change(add=ADD, add_labels=np.array([0, 0])), "T1"),
        (Change(add=ADD, bases=part("s", 2)), "T2"),
        (Change(delete=np.array([1])), "T2"),
        (Change(modify=np.array([1]), modified=ADD[:1]), "T3"),
        (Change(relabel=np.array([1]), relabelled=np.array([1])), "T4"),
    ],
)
def test_a_change_needs_its_cell(change: Change, cell: str) -> None:
    assert access(poisoner(cell)).check(change).share > 0
    others = [c for c in ("T2", "T3", "T4") if c != cell]
    with pytest.raises(ChangeRefused, match=cell):
        access(poisoner(*others)).check(change)


@pytest.mark.requirement("S13")
def test_under_t2_labels_come_from_the_honest_process() -> None:
    bases = part("s", 2)
    poisoned = access(poisoner("T2")).check(Change(add=ADD, bases=bases))
    assert poisoned.extra.y.tolist() == bases.y.tolist()
    with pytest.raises(ChangeRefused, match="derived from"):
        access(poisoner("T2")).check(Change(add=ADD))


def test_an_honest_label_rests_on_a_real_record() -> None:
    made_up = Data(x=np.array(["s0", "s9999"], dtype=object), y=np.array([0, 1]))
    with pytest.raises(ChangeRefused, match="base 1 is not a record"):
        access(poisoner("T2")).check(Change(add=ADD, bases=made_up))
    relabelled = Data(x=part("s", 2).x, y=np.array([0, 0]))  # s1 is of class 1
    with pytest.raises(ChangeRefused, match="another label"):
        access(poisoner("T2")).check(Change(add=ADD, bases=relabelled))


def test_a_change_stays_within_the_share() -> None:
    change = Change(add=ADD, bases=part("s", 2))  # 2 of 22
    assert access(poisoner("T2", share=2 / 22)).check(change).share == pytest.approx(2 / 22)
    with pytest.raises(ChangeRefused, match=r"9\.09%"):
        access(poisoner("T2", share=0.09)).check(change)


def test_without_full_knowledge_only_own_rows_are_in_reach() -> None:
    door = access(poisoner("T4", share=0.25, data=Grade.PARTIAL))
    own = door.reachable()
    assert len(own) == 5
    assert door.own().x.tolist() == [f"t{i}" for i in own]
    outside = np.setdiff1d(np.arange(20), own)[:1]
    door = access(poisoner("T2", "T3", "T4", share=0.25, data=Grade.PARTIAL))
    for change in (
        Change(relabel=outside, relabelled=np.array([1])),
        Change(modify=outside, modified=ADD[:1]),
        Change(delete=outside),
    ):
        with pytest.raises(ChangeRefused, match=r"out of this attacker's reach"):
            door.check(change)


def test_a_changed_row_is_replaced_once() -> None:
    change = Change(
        delete=np.array([0]),
        modify=np.array([1]),
        modified=np.array(["new"], dtype=object),
        relabel=np.array([1, 2]),
        relabelled=np.array([0, 1]),
    )
    poisoned = access(poisoner("T2", "T3", "T4")).check(change)
    assert np.flatnonzero(poisoned.removed).tolist() == [0, 1, 2]
    assert poisoned.extra.x.tolist() == ["new", "t2"]
    assert poisoned.extra.y.tolist() == [0, 1]


def test_what_the_application_cannot_give_is_not_offered() -> None:
    known = Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL)
    everything = Power(knowledge=known, capabilities=Capability.of(["T1", "W"]))
    door = access(everything)
    with pytest.raises(NotOffered, match="training recipe"):
        door.trainer()
    with pytest.raises(NotOffered):
        door.artefact()
    with pytest.raises(NotOffered, match="rewritten"):
        door.tamper(dict)


def test_whoever_rewrites_answers_in_transit_cannot_ask_by_that() -> None:
    """The game sends the answers; without M2 the attack itself sees none, however it is rigged."""
    app = application()
    door = access(Power(capabilities=Capability.O, view=View.LOGITS), app)

    def flip(answers: Answers) -> Answers:
        return Answers(1 - answers.labels)

    assert door.intercept(flip) is flip
    with pytest.raises(NotGranted, match="M2"):
        door.query(TWO)
    assert isinstance(app.target, Ask)
    assert app.target.asked == 0


class Twice:
    """A recipe that gives the same model whatever it is trained on."""

    recipe = "twice"

    def fit(self, data: Data, seed: int) -> Target:
        return Ask()

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Any:
        return [self.fit(data, seed) for seed in seeds]


def test_every_model_that_an_attacker_trains_is_counted() -> None:
    app = replace(application(), trainer=Twice())
    door = access(Power(knowledge=Knowledge(algorithm=Grade.FULL)), app)
    trainer, data = door.trainer(), app.data.similar
    trainer.fit(data, 0)
    assert door.spent.models == 1
    trainer.fit_many(data, np.ones((4, len(data)), dtype=bool), range(4))
    assert door.spent.models == 5


def test_an_early_answer_cannot_be_made_better_later() -> None:
    door = access(ASKS)
    answer = np.zeros(3)
    door.checkpoint(answer)
    answer += 1
    assert door.checkpoints[0].answer.tolist() == [0, 0, 0]


def test_an_attacker_who_owns_the_model_asks_its_own_copy() -> None:
    door = access(Power(knowledge=Knowledge(model=Grade.FULL), view=View.LABELS))
    door.query(TWO)
    assert (door.spent.queries, door.spent.forward) == (0, 2)
