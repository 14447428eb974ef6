"""The evasion game: what it deals, what counts, and that nothing can flatter its mark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, execute
from goalkeeper.attacks import catalogue
from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Data, Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.text import kept, texts
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion import AdditionConstraint, Ending, Evasion, Submission
from goalkeeper.games.evasion.goals import build_goal
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.worlds import evasion
from goalkeeper.testing.worlds.word_filters import BAD, GOOD
from tests.attacks.evasion.arena import Rule, dealt, ruled, task_of, weak
from tests.contract.harness import cases, enough

GAME = Evasion(n=50)
LABELS = Power(capabilities=Capability.M2, view=View.LABELS, budget=Budget(queries=1000))
BLIND = Power(capabilities=Capability.M2)
Change = Callable[[str], Any]


def evaluate(
    changes: Sequence[Change],
    task: str = "harmful-passes",
    app: Application | None = None,
    granted: Power = LABELS,
) -> AttackResult:
    """Mark an attack that hands in one change of every input after the other, 10 queries each."""
    app = app or weak()
    deal = dealt(app, task, GAME)
    x = deal.question.x
    answers = [
        Checkpoint(
            Submission(x=changed(x, change), endings=np.full(len(x), Ending.BROKEN, dtype=object)),
            Cost(queries=10 * (i + 1) * len(x)),
            np.full(len(x), 10 * (i + 1)),
        )
        for i, change in enumerate(changes)
    ]
    return GAME.mark(
        Marking(
            app=app,
            task=task_of(app, task),
            deal=deal,
            answers=answers,
            granted=granted,
            rng=np.random.default_rng(0),
        )
    )


def changed(x: Inputs, change: Change) -> Inputs:
    out = np.empty(len(x), dtype=object)
    out[:] = [change(text) for text in x]
    return out


def counts(result: AttackResult) -> list[int]:
    return [t.tally.successes for t in result.trials if isinstance(t.tally, Proportion)]


def failed(result: AttackResult) -> set[str]:
    return {control.name for control in result.controls if not control.passed}


def words_added(*words: str) -> Change:
    return lambda text: f"{text} {' '.join(words)}"


# ---- what is dealt ----------------------------------------------------------------------------


@pytest.mark.requirement("S23", "S29", "S30")
def test_tasks_and_their_harms() -> None:
    tasks = {task.name: task for task in GAME.tasks(weak())}
    for name in ("harmful-passes", "harmless-declined"):
        assert tasks.pop(f"{name}-edits").harms == tasks[name].harms
    passes, declined = tasks.values()
    assert passes.harms[0].level is IntegrityLevel.DATA
    assert declined.harms[0].goal is Goal.AVAILABILITY
    wrong = GAME.tasks(replace(weak(), harmless=None))
    assert [task.name for task in wrong] == ["any-wrong", "any-wrong-edits"]


@pytest.mark.requirement("S29")
@pytest.mark.parametrize(("task", "label"), [("harmful-passes", 1), ("harmless-declined", 0)])
def test_only_inputs_right_before_are_dealt(task: str, label: int) -> None:
    app = ruled(lambda text: label if hash_of(text) % 3 else 1 - label)
    deal = dealt(app, task, replace(GAME, n=40))
    assert len(deal.question.x) == deal.campaigns == 40
    assert (deal.question.y == label).all()
    assert (app.target.answer(deal.question.x, View.LABELS).labels == label).all()
    assert not deal.question.goal.reached(deal.question.y).any()
    assert deal.secret.looked_at == 40 + deal.secret.wrong_before
    assert deal.secret.wrong_before > 0


def hash_of(text: str) -> int:
    return sum(map(ord, text))


def test_too_few_inputs_are_inconclusive_and_said_so() -> None:
    app = weak()
    few = replace(app, data=replace(app.data, holdout=app.data.holdout.take(slice(0, 95))))
    unfit = GAME.unfit(few, task_of(few, "harmful-passes"))
    assert unfit is not None
    assert "5 inputs" in unfit.reason
    assert not unfit.proven
    assert GAME.unfit(few, task_of(few, "harmless-declined")) is None
    blind = ruled(lambda text: 0)  # nothing harmful is declined to begin with
    result = evaluate([words_added("thanks")], app=blind)
    assert result.status is Status.NOT_TESTED
    assert "only 0 of 90" in result.reason


def test_any_wrong_answer_counts_where_no_class_is_harmless() -> None:
    app = replace(weak(), harmless=None)
    result = evaluate([words_added(*GOOD, *BAD[:1])], task="any-wrong", app=app)
    share = result.measurements[0]
    assert 0 < share.value < 1  # good words turn the harmful ones only
    assert {m.group for m in result.measurements} >= {"class: harmful", "class: harmless"}


# ---- what counts --------------------------------------------------------------------------------


@pytest.mark.requirement("S22", "S30")
@pytest.mark.parametrize(("task", "words"), [("harmful-passes", GOOD), ("harmless-declined", BAD)])
def test_added_words_that_turn_the_answer_count(task: str, words: tuple[str, ...]) -> None:
    result = evaluate([words_added(*words)], task=task)
    assert result.status is Status.TESTED
    assert counts(result) == [50]
    assert beats_baseline(result.trials[-1].tally)
    assert result.trials[-1].verified == 50
    assert not failed(result)
    rate, added, asked, accuracy = result.measurements
    assert (rate.value, rate.n) == (1.0, 50)
    assert (added.value, asked.value) == (12.0, 10.0)
    assert (accuracy.value, accuracy.baseline) == (0.0, 1.0)
    assert [e.private for e in result.exhibits] == [task == "harmless-declined"] * 3


@pytest.mark.requirement("S22")
@pytest.mark.parametrize(
    "change",
    [
        lambda text: "thanks meeting",
        lambda text: " ".join(reversed(text.split())) + " thanks meeting",
        lambda text: " ".join(word for word in text.split() if word not in BAD),
        lambda text: "-".join(text.split()) + " thanks meeting",
    ],
    ids=["replaced", "reordered", "payload deleted", "glued"],
)
def test_a_change_that_does_not_keep_the_content_does_not_count(change: Change) -> None:
    result = evaluate([change])
    assert counts(result) == [0]
    assert failed(result) >= {
        "claimed successes are verified",
        "every change satisfies the constraint",
    }
    assert "50 invalid" in result.measurements[0].note


@pytest.mark.parametrize("change", [lambda text: None, lambda text: 7, lambda text: text * 9999])
def test_what_is_no_input_does_not_count(change: Change) -> None:
    assert counts(evaluate([change])) == [0]


def test_too_many_words_do_not_count() -> None:
    result = evaluate([words_added(*(["thanks"] * 1001))])
    assert counts(result) == [0]
    assert "every change satisfies the constraint" in failed(result)


def test_a_claim_is_worth_nothing() -> None:
    result = evaluate([lambda text: text])
    assert counts(result) == [0]
    assert "claimed successes are verified" in failed(result)
    assert not beats_baseline(result.trials[-1].tally)


def test_an_answer_of_another_length_is_an_error() -> None:
    app = weak()
    deal = dealt(app, "harmful-passes", GAME)
    short = Submission(x=deal.question.x[:3], endings=np.full(3, Ending.BROKEN, dtype=object))
    answers = [Checkpoint(short, Cost(), np.zeros(50, dtype=np.int64))]
    marking: Marking[Any, Any, Any] = Marking(
        app=app,
        task=task_of(app, "harmful-passes"),
        deal=deal,
        answers=answers,
        granted=LABELS,
        rng=np.random.default_rng(0),
    )
    with pytest.raises(ValueError, match="one input for each of the 50"):
        GAME.mark(marking)


# ---- the curve and the baseline -----------------------------------------------------------------


@pytest.mark.requirement("S16", "S17")
def test_success_within_a_budget_is_counted_by_the_frameworks_meter() -> None:
    first_half = words_added("w1")  # turns nothing
    result = evaluate([first_half, words_added(*GOOD)])
    assert result.curve is not None
    assert result.curve.budget == "queries"
    assert result.curve.x == (10.0, 20.0)
    assert result.curve.value == (0.0, 1.0)
    least = 0.025 ** (1 / 50)  # Clopper-Pearson, 50 of 50: the rate at which that happens in 2.5 %
    assert result.curve.low == pytest.approx((0.0, least))
    assert result.curve.high == pytest.approx((1 - least, 1.0))
    assert counts(result) == [0, 50]
    assert [trial.queries for trial in result.trials] == [10.0, 20.0]


@pytest.mark.requirement("S22")
def test_without_queries_the_budget_is_the_number_of_words() -> None:
    result = evaluate([words_added(*GOOD[:1]), words_added(*GOOD[:4])], granted=BLIND)
    assert result.curve is not None
    assert (result.curve.unit, result.curve.x) == ("words added per input", (1.0, 4.0))
    assert counts(result) == [0, 50]
    own_copy = Power(knowledge=Knowledge(model=Grade.FULL), view=View.GRADIENTS)
    assert evaluate([words_added(*GOOD[:4])], granted=own_copy).trials[0].budget == 4.0


def test_the_smallest_success_within_the_budget_is_shown_and_compared() -> None:
    result = evaluate([words_added(*GOOD), words_added(*GOOD[:2])])
    assert result.measurements[1].value == 2.0  # words
    assert result.measurements[2].value == 10.0  # queries until the first success
    assert all(exhibit.after.count(" thanks meeting") == 1 for exhibit in result.exhibits)


def test_words_that_anybody_could_draw_are_no_attack() -> None:
    """A filter that any addition turns: random words do as well, and the game says so."""
    known = {text for part in ("holdout",) for text in getattr(weak().data, part).x}
    app = ruled(lambda text: int(text in known))
    result = evaluate([words_added("thanks", "meeting")], app=app)
    assert counts(result) == [50]
    assert not beats_baseline(result.trials[-1].tally)
    assert "does more than random changes of equal size" in failed(result)


def test_a_success_that_later_answers_lose_is_noticed() -> None:
    result = evaluate([words_added(*GOOD), words_added(*BAD)])
    assert counts(result)[-1] == 50
    assert "more budget never undoes a success" in failed(result)


def test_answers_that_do_not_repeat_are_noticed() -> None:
    class Moody(Rule):
        def answer(self, x: Inputs, view: View) -> Answers:
            said = super().answer(x, view)
            mood = np.random.default_rng(self.asked).random(len(x)) < 0.5
            return Answers(np.where(mood, said.labels, 1 - said.labels))

    app = replace(weak(), target=Moody(lambda text: 1))
    assert "answers are repeatable" in failed(evaluate([words_added(*GOOD)], app=app))


def test_an_answer_that_depends_on_what_else_is_asked_is_noticed() -> None:
    """As in a network that normalises by the batch: alone, no changed input is answered wrongly."""

    class Together(Rule):
        def answer(self, x: Inputs, view: View) -> Answers:
            labels = super().answer(x, view).labels
            return Answers(labels if len(x) > 1 else np.ones_like(labels))

    known = set(weak().data.holdout.x)
    app = replace(weak(), target=Together(lambda text: int(text in known)))
    assert "answers are repeatable" in failed(evaluate([words_added(*GOOD)], app=app))
    steady = ruled(lambda text: int(text in known))
    assert "answers are repeatable" not in failed(evaluate([words_added(*GOOD)], app=steady))


def test_groups_are_listed_the_worst_first() -> None:
    app = weak()
    who = np.where(np.arange(len(app.data.holdout)) % 2, "Ann", "Bob")
    holdout = Data(x=app.data.holdout.x, y=app.data.holdout.y, columns={"sender": who})
    of_ann = {text for text, name in zip(holdout.x, who, strict=True) if name == "Ann"}
    app = replace(app, data=replace(app.data, holdout=holdout), subgroups=("sender",))
    result = evaluate([lambda t: f"{t} {' '.join(GOOD)}" if t in of_ann else t], app=app)
    shown = [(m.group, m.value) for m in result.measurements if m.group]
    assert shown == [("sender: Ann", 1.0), ("sender: Bob", 0.0)]


# ---- content ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        ("buy it now", "please buy it right now", True),
        ("buy it now", "buy now it", False),
        ("buy it now", "buyit now", False),
        ("a a b", "a b", False),
        ("a a b", "a x a\n\n b", True),
        ("", "anything", True),
    ],
)
def test_the_original_words_must_stand_there_in_order(
    before: str,
    after: str,
    holds: bool,  # noqa: FBT001 - a table of cases
) -> None:
    assert kept(before, after) is holds


def test_random_changes_have_the_size_asked_for_and_keep_the_content() -> None:
    constraint = AdditionConstraint(most_words=50, max_chars=1000)
    before = texts(["one two", "three", ""])
    sizes = np.array([5.0, 0.0, 3.0])
    after = constraint.perturb_randomly(
        before, sizes, texts(["red green blue"]), np.random.default_rng(0)
    )
    assert constraint.size(before, after).tolist() == sizes.tolist()
    assert constraint.allows(before, after).all()


def test_appending_stops_where_the_application_takes_no_more() -> None:
    constraint = AdditionConstraint(most_words=50, max_chars=12)
    assert constraint.append("one", ["two", "three", "four"]) == "one\ntwo"
    assert constraint.append("eleven chars", ["two"]) == "eleven chars"
    assert TextDomain(max_chars=12).valid(texts([constraint.append("one", ["two", "three"])])).all()


# ---- controls -----------------------------------------------------------------------------------


# Attacks that train, or ask for seconds, in the cases that another one of theirs, or of the same
# norm, has as well: `make validate` has these.
LONG = {
    ("columns_from_substitute", "harmless-declined"),
    ("gradients_from_substitute", "harmful-passes-l2"),
    ("gradients_from_substitute", "harmless-declined-l2"),
    ("gradients_from_substitute", "harmless-declined-linf"),
    ("square", "harmful-passes-l2"),
    ("square", "harmless-declined-linf"),
}


@pytest.mark.parametrize(
    ("name", "domain", "task"),
    [
        pytest.param(*case, marks=[pytest.mark.validation] if case[::2] in LONG else [])
        for case in cases()
        if catalogue()[case[0]].game is Evasion
    ],
)
def test_every_attack_breaks_the_weakened_version_of_what_it_cannot_break(
    name: str, domain: str, task: str
) -> None:
    attack = catalogue()[name]
    app = evasion.fair(domain, np.random.default_rng(0))
    this = AttackRun(
        attack=attack(), game=GAME, task=task_of(app, task), granted=enough(attack), seed=0
    )
    result = execute(app, this)
    assert result.status is Status.TESTED, result.reason + result.traceback
    assert counts(result)[-1] == 0
    # What follows gradients shows on the application itself that it works.
    last = result.controls[-1]
    assert last.passed
    assert last.proves or last.name == "breaks a weakened version of this application"


def test_the_weakened_application_is_of_one_mind() -> None:
    app = weak()
    weakened = GAME.weakened(app, task_of(app, "harmful-passes"), np.random.default_rng(0))
    target: Any = weakened.target
    word = sorted(target.planted)[0]
    said = target.answer(texts([f"free cash {word} {word}", "free cash win"]), View.LOGITS)
    assert said.labels.tolist() == said.scores.argmax(axis=1).tolist() == [0, 1]
    assert said.logits.argmax(axis=1).tolist() == [0, 1]
    known = target.parameters()
    weight = dict(zip(known["vocabulary"], known["weights"][0], strict=True))
    assert all(weight[w] < -10 for w in target.planted & set(weight))


def test_the_cost_is_estimated_before_the_play() -> None:
    app = weak()
    task = task_of(app, "harmful-passes")
    assert Evasion().estimate(app, task, LABELS).queries == 90 * 1000
    assert Evasion().estimate(app, task, BLIND).queries == 0
    assert GAME.smaller().n == 50
    assert Evasion().smaller().n == 50


def test_aims() -> None:
    app = weak()
    y = np.array([1, 1])
    assert build_goal(app, task_of(app, "harmful-passes"), y).wanted.tolist() == [[True, False]] * 2
    assert (
        build_goal(app, task_of(app, "harmless-declined"), 1 - y).wanted.tolist()
        == [[False, True]] * 2
    )
