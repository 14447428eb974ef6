"""The loop under every evasion attack: budgets, batches, streams, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
import pytest

from goalkeeper.attacks.evasion._driver import (
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
    keep_rows,
)
from goalkeeper.attacks.evasion.good_words_blind import GoodWordsBlind
from goalkeeper.attacks.evasion.good_words_from_labels import GoodWordsFromLabels
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs, Ints
from goalkeeper.core.power import Capability, Power, View
from goalkeeper.games.evasion import Ending, EvasionQuestion
from tests.attacks.evasion.arena import attacked, dealt, part, ruled, weak


@dataclass(frozen=True, eq=False, kw_only=True)
class Counted(State):
    """Which inputs are left, and how many candidates each proposes a step."""

    text: Inputs
    width: Ints


@final
@dataclass(frozen=True, kw_only=True)
class Knocking(EvasionAttack[Counted]):
    """Input i proposes i + 1 candidates a step: the text, with or without its payload."""

    variant = "evasion.decision"
    reference = "test"
    deletes: bool = False

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> Counted:
        n = len(question.x)
        return Counted(done=np.zeros(n, dtype=bool), text=question.x, width=np.arange(n) + 1)

    def propose(self, state: Counted) -> Proposal:
        wide = int(state.width.max())
        wanted = np.arange(wide) < state.width[:, None]
        x = np.full(wanted.shape, "", dtype=object)
        if not self.deletes:
            x[:] = [[f"{text} hello"] * wide for text in state.text]
        return Proposal(x, wanted)

    def update(self, state: Counted, seen: QueryResults) -> Counted:
        assert seen.asked.shape == seen.reached.shape
        return replace(state, done=state.done | self.deletes)


@final
@dataclass(frozen=True, kw_only=True)
class Pondering(EvasionAttack[Counted]):
    """Ask nothing and never be done, and perhaps say for ever that there is work."""

    variant = "evasion.decision"
    reference = "test"
    works: bool = True

    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> Counted:
        n = len(question.x)
        return Counted(done=np.zeros(n, dtype=bool), text=question.x, width=np.ones(n, dtype=int))

    def propose(self, state: Counted) -> Proposal:
        nothing = np.zeros((len(state.text), 1), dtype=bool)
        return Proposal(state.text[:, None], nothing, working=nothing[:, 0] | self.works)

    def update(self, state: Counted, seen: QueryResults) -> Counted:
        return state


@pytest.fixture
def three(monkeypatch: pytest.MonkeyPatch) -> tuple[Application, EvasionQuestion]:
    """Three texts, and a driver that soon loses its patience."""
    monkeypatch.setattr("goalkeeper.attacks.evasion._driver.QUIET", 50)
    app = ruled(lambda text: 1)
    return app, part(dealt(app, "harmful-passes").question, range(3))


def test_an_input_without_a_proposal_is_given_up(
    three: tuple[Application, EvasionQuestion],
) -> None:
    answer, access = attacked(Pondering(works=False), *three, queries=10)
    assert set(answer.endings) == {Ending.SURVIVED}
    assert access.spent.queries == 0


def test_an_attack_that_asks_nothing_and_is_never_done_is_stopped(
    three: tuple[Application, EvasionQuestion],
) -> None:
    with pytest.raises(RuntimeError, match="Pondering proposed nothing in 50 steps while 3 inputs"):
        attacked(Pondering(), *three, queries=10)


@pytest.mark.requirement("S17")
def test_an_exhausted_input_stops_and_the_others_go_on() -> None:
    app = ruled(lambda text: 1)
    question = part(
        dealt(ruled(lambda text: int("free" in text or 1)), "harmful-passes").question, range(6)
    )
    answer, access = attacked(Knocking(), app, question, queries=11)
    assert (access.left() == 0).all()  # 11 queries each, in steps of 1 to 6
    assert access.spent.queries == 6 * 11
    assert set(answer.endings) == {Ending.BUDGET_SPENT}


def test_a_solved_input_leaves_the_batch_at_once() -> None:
    app = ruled(lambda text: int("hello" not in text))
    question = part(dealt(app, "harmful-passes").question, range(4))
    answer, access = attacked(Knocking(), app, question, queries=100)
    assert access.spent.queries == 1 + 2 + 3 + 4
    assert set(answer.endings) == {Ending.BROKEN}
    assert all(text.endswith(" hello") for text in answer.x)


@pytest.mark.requirement("S22")
def test_a_deleted_payload_is_never_kept() -> None:
    app = ruled(lambda text: int(text != ""))
    question = part(dealt(app, "harmful-passes").question, range(4))
    answer, _ = attacked(Knocking(deletes=True), app, question, queries=100)
    assert set(answer.endings) == {Ending.SURVIVED}
    assert (answer.x == question.x).all()


@pytest.mark.parametrize("task", ["harmful-passes", "harmless-declined"])
def test_results_do_not_depend_on_how_a_batch_is_cut(task: str) -> None:
    app = weak()
    question = part(dealt(app, task).question, range(20))
    whole, spent = attacked(GoodWordsFromLabels(), app, question, queries=60)
    order = np.random.default_rng(1).permutation(20)
    shuffled, _ = attacked(GoodWordsFromLabels(), app, part(question, order), queries=60)
    assert (shuffled.x == whole.x[order]).all()
    assert (shuffled.endings == whole.endings[order]).all()
    halves = [
        attacked(GoodWordsFromLabels(), app, part(question, h), 60) for h in (order[:7], order[7:])
    ]
    assert (np.concatenate([answer.x for answer, _ in halves]) == whole.x[order]).all()
    assert sum(access.spent.queries for _, access in halves) == spent.spent.queries


def test_without_a_view_nothing_is_asked_and_everything_is_handed_in() -> None:
    app = weak()
    question = dealt(app, "harmful-passes").question
    answer, access = attacked(GoodWordsBlind(amounts=(10, 20)), app, question, queries=1000)
    assert access.spent.queries == 0
    assert len(access.checkpoints) == 3  # two amounts, and the answer itself
    assert question.constraint.size(question.x, answer.x).tolist() == [20.0] * len(answer.x)
    assert set(answer.endings) == {Ending.UNSEEN}


def test_no_inputs_are_no_error() -> None:
    app = weak()
    question = part(dealt(app, "harmful-passes").question, [])
    for attack in (GoodWordsBlind(), GoodWordsFromLabels()):
        answer, _ = attacked(attack, app, question, queries=100)
        assert len(answer.x) == 0


def test_compaction_keeps_rows_of_arrays_and_leaves_the_rest() -> None:
    state = Counted(
        done=np.zeros(3, dtype=bool), text=np.array(["a", "b", "c"]), width=np.arange(3)
    )
    kept = keep_rows(state, np.array([True, False, True]))
    assert kept.text.tolist() == ["a", "c"]
    assert len(kept.done) == len(kept.width) == 2


@pytest.mark.requirement("S16", "S17")
def test_more_queries_never_break_fewer() -> None:
    app = weak()
    question = part(dealt(app, "harmful-passes").question, range(10))
    broken = []
    for queries in (10, 20, 40, 200):
        answer, _ = attacked(GoodWordsFromLabels(), app, question, queries=queries)
        broken.append(question.constraint.size(question.x, answer.x).sum())
    assert broken == sorted(broken, reverse=True)  # all break at once; what is added shrinks


def test_the_attacks_ask_for_no_more_than_their_variants() -> None:
    assert GoodWordsBlind.asks == Power()
    assert GoodWordsFromLabels.asks.view is View.LABELS
    assert GoodWordsFromLabels.asks.capabilities == Capability.NOTHING
