"""One play: what is caught, what is controlled, and which random streams are apart."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, execute, stream
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.evidence import AttackResult, Gain, Status, Trial
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from tests.attacks.membership.gaussian import application

ASKS = Power(capabilities=Capability.M2, view=View.SCORES, budget=Budget(queries=1))


@final
@dataclass(frozen=True, kw_only=True)
class Sleepy(Attack[Data, Floats]):
    """Answer nothing but zeros: finds nothing, not even in a weakened application."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> Floats:
        return np.zeros(len(question))


@final
@dataclass(frozen=True, kw_only=True)
class Greedy(Attack[Data, Floats]):
    """Ask twice where one query a record was granted."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    first: bool = True

    def run(self, question: Data, access: Access) -> Floats:
        everyone = np.arange(len(question))
        scores = access.query(question.x, everyone).scores[:, 1]
        if self.first:
            access.checkpoint(scores)
        access.query(question.x, everyone)
        return scores


@final
@dataclass(frozen=True, kw_only=True)
class Broken(Attack[Data, Floats]):
    """Raise, or leave as a model may that calls `sys.exit()`."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    leaves: bool = False

    def run(self, question: Data, access: Access) -> Floats:
        if self.leaves:
            sys.exit("enough")
        raise RuntimeError("out of ideas")


def contest(attack: Attack[Data, Floats], n: int = 200) -> AttackResult:
    this = AttackRun(attack=attack, game=Membership(), task=TASK, granted=ASKS, seed=0)
    return execute(application(0, n=n), this)


def test_an_attack_that_finds_nothing_anywhere_proves_nothing() -> None:
    result = contest(Sleepy())
    assert result.status is Status.CONTROL_FAILED
    assert "weakened version" in result.reason
    assert not result.controls[-1].passed


def test_a_success_proves_itself_and_a_failure_is_controlled() -> None:
    from goalkeeper.attacks.membership.loss_threshold import LossThreshold

    strong = contest(LossThreshold(), n=2000)
    assert strong.status is Status.TESTED
    assert not any(c.name.startswith("breaks") for c in strong.controls)
    weak = contest(LossThreshold(), n=30)
    assert any(c.name.startswith("breaks") for c in weak.controls)


def test_an_attack_stopped_by_its_budget_is_marked_by_its_last_answer() -> None:
    result = contest(Greedy())
    assert result.status in {Status.TESTED, Status.CONTROL_FAILED}
    assert result.cost.queries == 600
    assert "stopped by its budget" in result.caveats[0]
    assert contest(Greedy(first=False)).status is Status.FAILED_TO_RUN


def test_an_attack_that_raises_is_seen() -> None:
    result = contest(Broken())
    assert result.status is Status.FAILED_TO_RUN
    assert result.reason == "RuntimeError: out of ideas"
    assert "out of ideas" in result.traceback


def test_code_that_exits_ends_its_play_and_not_the_run() -> None:
    result = contest(Broken(leaves=True))
    assert result.status is Status.FAILED_TO_RUN
    assert result.reason == "SystemExit: enough"


def test_streams_of_other_names_are_apart() -> None:
    drawn = {
        who: np.random.default_rng(stream(0, who)).integers(2**62)
        for who in ("game", "attack", "victim", "mark", "control")
    }
    drawn["plain"] = np.random.default_rng(0).integers(2**62)
    assert len(set(drawn.values())) == len(drawn)


def test_the_question_does_not_depend_on_the_attack() -> None:
    one = AttackRun(attack=Sleepy(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    other = replace(one, attack=Broken())
    for who in ("game", "victim", "mark"):
        assert one.rng(who).generate_state(4).tolist() == other.rng(who).generate_state(4).tolist()


def counted(successes: int, base: int, n: int) -> AttackResult:
    tally = Gain(successes=successes, n=n, baseline_successes=base, baseline_n=n)
    return AttackResult(status=Status.TESTED, trials=(Trial(budget=1, queries=1, tally=tally),))


def test_what_not_even_a_perfect_attack_could_show_is_not_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three right answers of three are no more than a coin gives, once in eight times."""
    this = AttackRun(attack=Sleepy(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    monkeypatch.setattr("goalkeeper.attack_run.evaluate", lambda app, this: counted(3, 2, 3))
    result = execute(application(0, n=60), this)
    assert result.status is Status.NOT_TESTED
    assert "not even a perfect attack" in result.reason


def test_a_baseline_that_leaves_nothing_to_gain_needs_no_control(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right in 60 of 100 cases, where 100 of 100 are without the model: nothing was gained."""
    this = AttackRun(attack=Sleepy(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    monkeypatch.setattr("goalkeeper.attack_run.evaluate", lambda app, this: counted(60, 100, 100))
    result = execute(application(0, n=60), this)
    assert result.status is Status.TESTED
    assert result.controls == ()
