from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, row_keys
from goalkeeper.core.evidence import AttackResult, Ratio
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from goalkeeper.games.tallies import won
from tests.attacks.membership.gaussian import application
from tests.contract.harness import enough


def contest(attack: Attack[Data, Floats], power: Power, seed: int = 0) -> AttackResult:
    this = AttackRun(attack=attack, game=Membership(), task=TASK, granted=power, seed=seed)
    return evaluate(application(seed), this)


@final
@dataclass(frozen=True, kw_only=True)
class LooksItUp(Attack[Data, Floats]):
    """Cheat: call a member whatever stands in the training data it was given."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> Floats:
        known = set(row_keys(access.data().x))
        return np.array([float(key in known) for key in row_keys(question.x)])


@final
@dataclass(frozen=True, kw_only=True)
class GuessesTheStream(Attack[Data, Floats]):
    """Cheat: draw again what the game drew, hoping for the same random stream."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> Floats:
        n = len(question)
        order = np.random.default_rng(0).permutation(n)
        return (order < n / 3).astype(float)


@pytest.mark.requirement("S9")
def test_perfect_knowledge_does_not_win_by_look_up() -> None:
    everything = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL))
    assert not won(contest(LooksItUp(), everything).trials[-1].tally)


def test_the_games_own_stream_is_not_to_be_guessed() -> None:
    wins = sum(won(contest(GuessesTheStream(), Power(), s).trials[-1].tally) for s in range(5))
    assert wins == 0


def test_thresholds_come_from_separate_non_members() -> None:
    tally = contest(LossThreshold(), enough(LossThreshold)).trials[-1].tally
    assert isinstance(tally, Ratio)
    for at in tally.at:
        expected, spread = at.fpr * at.negatives, 5 * np.sqrt(at.fpr * at.negatives) + 5
        assert abs(at.false_positives - expected) <= spread


@pytest.mark.requirement("S36", "S52")
def test_results_are_given_per_class_person_and_subgroup() -> None:
    app = application(0)
    who = np.where(np.arange(1000) % 2, "Alice", "Bob")
    parts = {
        part: Data(
            x=getattr(app.data, part).x, y=getattr(app.data, part).y, columns={"person": who}
        )
        for part in app.data.sizes()
    }
    from dataclasses import replace

    from goalkeeper.core.data import Splits

    app = replace(app, data=Splits(**parts), person="person")
    this = AttackRun(
        attack=LossThreshold(), game=Membership(), task=TASK, granted=enough(LossThreshold), seed=0
    )
    groups = {m.group: m for m in evaluate(app, this).measurements if m.group}
    assert {"person Alice", "person Bob", "class b"} <= set(groups)
    assert groups["person Alice"].n + groups["person Bob"].n == 2000
    assert all(m.low < m.value < m.high for m in groups.values())


@pytest.mark.parametrize("answer", [np.zeros(3), np.full(3000, np.nan)])
def test_an_answer_that_is_none_is_refused(answer: Floats) -> None:
    @final
    @dataclass(frozen=True, kw_only=True)
    class Broken(Attack[Data, Floats]):
        game: ClassVar = Membership
        variant: ClassVar[str] = "membership.threshold"
        reference: ClassVar[str] = "none"

        def run(self, question: Data, access: Access) -> Floats:
            return answer

    with pytest.raises(ValueError, match="one finite score a record"):
        contest(Broken(), Power())
