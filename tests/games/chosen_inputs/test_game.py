"""The chosen inputs game: how many attempts find a wrong reaction can be worked out."""

from __future__ import annotations

import numpy as np
import pytest

from goalkeeper.attacks.chosen_inputs.wrong_reactions import WrongReactions
from goalkeeper.core.errors import DataError
from goalkeeper.core.goals import Goal
from goalkeeper.core.power import View
from goalkeeper.games.chosen_inputs import ChosenInputs, InputPool
from goalkeeper.games.chosen_inputs.marks import check_choice
from tests.games.reacting import counts, result_of, wired_mail

GAME = ChosenInputs()


@pytest.mark.requirement("S25")
def test_choosing_finds_a_wrong_reaction_wherever_there_is_one() -> None:
    """A slot is lost only if all its inputs are classified correctly: 0.7 ** 5 of them, 17 %."""
    mail = wired_mail(careless=0.3)
    found = result_of(WrongReactions(), mail, "chosen-inputs")
    tally = counts(found)
    wrong = mail.target.answer(mail.data.holdout.x, View.LABELS).labels != mail.data.holdout.y
    pool = mail.data.holdout.y == 0
    assert tally.baseline_n == 40 * (pool.sum() // 40)
    base = tally.baseline_successes / tally.baseline_n
    assert base == pytest.approx(wrong[pool].mean(), abs=0.06)
    expected = 1 - (1 - base) ** (tally.baseline_n // 40)
    spread = 3.1 * (expected * (1 - expected) / 40) ** 0.5  # two-sided p < 0.002
    assert tally.successes / 40 == pytest.approx(expected, abs=spread)
    assert found.curve is not None
    assert found.curve.x[0] == 40
    data = mail.data.holdout
    question = InputPool(x=data.x, y=data.y, slots=2, size=2)
    with pytest.raises(DataError, match="one row of each"):
        check_choice(np.array([0, 1]), question)


def test_a_wrong_reaction_harms_integrity_and_where_a_class_is_harmless_availability() -> None:
    (task,) = GAME.tasks(wired_mail())
    assert [harm.goal for harm in task.harms] == [Goal.INTEGRITY, Goal.AVAILABILITY]


def test_a_system_that_reacts_alike_to_everything_is_proven_unfit() -> None:
    mail = wired_mail(reactions={"harmless": "log", "harmful": "log"})
    unfit = GAME.unfit(mail, GAME.tasks(mail)[0])
    assert unfit is not None
    assert "in the same way" in unfit.reason
    assert unfit.proven
