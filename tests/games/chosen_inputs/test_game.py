"""The chosen inputs game: trying is no attack, and knowing beforehand is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.chosen_inputs.wrong_reactions import WrongReactions
from goalkeeper.core.access import Access
from goalkeeper.core.data import Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import Budget, View
from goalkeeper.games.chosen_inputs import ChosenInputs, InputPool
from goalkeeper.games.chosen_inputs.erring import SHARE, let_err
from goalkeeper.games.chosen_inputs.marks import check_choice
from goalkeeper.games.tallies import beats_baseline
from tests.games.reacting import counts, result_of, wired_mail

GAME = ChosenInputs()


@dataclass(frozen=True, kw_only=True)
class Trying(Attack[InputPool, Ints]):
    """Asks about one input of an attempt after the other until one is misclassified."""

    game: ClassVar[type[ChosenInputs]] = ChosenInputs
    variant: ClassVar[str] = "output.reaction"
    reference: ClassVar[str] = "none"
    most: ClassVar[Budget] = Budget(queries=1000, share=0.0, compute_h=1.0)

    def run(self, question: InputPool, access: Access) -> Ints:
        chosen = question.rows(0)
        found = np.zeros(question.slots, dtype=bool)
        for place in range(question.size // 2):
            rows = question.rows(place)[~found]
            slots = rows // question.size
            labels = access.query(question.x[rows], slots).labels
            wrong = rows[labels != question.y[rows]]
            chosen[wrong // question.size], found[wrong // question.size] = wrong, True
            access.checkpoint(chosen)
        return chosen


@pytest.mark.requirement("S25")
def test_to_try_until_one_goes_wrong_is_as_good_as_chance() -> None:
    """Of k + 1 random inputs one goes wrong with 1 - (1 - p) ** (k + 1), without any answer."""
    mail = wired_mail(careless=0.12)
    game = replace(GAME, slots=10)
    dealt = game.deal(mail, GAME.tasks(mail)[0], np.random.default_rng(0)).question
    asked = dealt.size // 2
    excess, won, base = [], 0, []
    for seed in range(30):
        tally = counts(result_of(Trying(), mail, "chosen-inputs", game=game, seed=seed))
        excess.append(tally.successes - tally.baseline_successes)
        base.append(tally.baseline_successes / tally.baseline_n)
        won += beats_baseline(tally)
    holdout = mail.data.holdout.take(np.flatnonzero(mail.data.holdout.y != mail.harmless))
    wrong = mail.target.answer(holdout.x, View.LABELS).labels != holdout.y
    assert np.mean(base) == pytest.approx(1 - (1 - wrong.mean()) ** (asked + 1), abs=0.05)
    assert np.mean(excess) < 3.1 * np.std(excess) / len(excess) ** 0.5
    assert won <= 4  # of 30, each by chance in one of 40


@pytest.mark.requirement("S25")
def test_what_is_learned_about_other_inputs_goes_beyond_chance() -> None:
    mail = let_err(wired_mail(), np.random.default_rng(3))
    found = result_of(WrongReactions(), mail, "chosen-inputs")
    tally = counts(found)
    assert tally.both is not None
    assert beats_baseline(tally)
    assert tally.baseline_successes / tally.baseline_n == pytest.approx(SHARE, abs=0.3)
    assert "; a random input: " in found.summary
    assert found.curve is not None
    assert list(found.curve.x) == sorted(found.curve.x)


@pytest.mark.parametrize("kind", ["text", "table", "image"])
def test_the_weakened_model_errs_on_a_quarter(kind: str) -> None:
    mail = wired_mail(kind=kind)
    weak = let_err(mail, np.random.default_rng(1))
    x = mail.data.similar.x
    before, after = (app.target.answer(x, View.LABELS).labels for app in (mail, weak))
    assert (before != after).mean() == pytest.approx(SHARE, abs=0.12)


def test_an_answer_names_one_input_of_each_attempt() -> None:
    data = wired_mail().data.holdout
    question = InputPool(x=data.x, y=data.y, slots=2, size=2, practice=data)
    with pytest.raises(DataError, match="one row of each"):
        check_choice(np.array([0, 1]), question)


def test_an_own_harmless_input_that_is_declined_harms_nobody() -> None:
    """What counts is that an input that is not harmless passes: integrity, not availability."""
    mail = wired_mail()
    (task,) = GAME.tasks(mail)
    assert [harm.goal for harm in task.harms] == [Goal.INTEGRITY]
    dealt = GAME.deal(mail, task, np.random.default_rng(0))
    pool = dealt.question
    assert not (pool.y == mail.harmless).any()
    assert not (pool.practice.y == mail.harmless).any()
    assert dealt.campaigns == pool.slots + 1
    shown = {row.tobytes() for row in pool.practice.x}
    assert not shown & {row.tobytes() for row in pool.x}


def test_too_few_inputs_are_inconclusive() -> None:
    mail = wired_mail()
    few = mail.data.holdout.take(np.arange(100))
    mail = replace(mail, data=replace(mail.data, holdout=few))
    unfit = GAME.unfit(mail, GAME.tasks(mail)[0])
    assert unfit is not None
    assert not unfit.proven
    assert "fewer than 80" in unfit.reason


def test_a_system_that_reacts_alike_to_everything_is_proven_unfit() -> None:
    mail = wired_mail(reactions={"harmless": "log", "harmful": "log"})
    unfit = GAME.unfit(mail, GAME.tasks(mail)[0])
    assert unfit is not None
    assert "in the same way" in unfit.reason
    assert unfit.proven
