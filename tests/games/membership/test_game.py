from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.core.access import Access, Checkpoint, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Data, Floats, row_keys
from goalkeeper.core.evidence import AttackResult, Ratio
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.base import Marking
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import AUDITED_RATE, TASK
from goalkeeper.games.membership.roles import Roles
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.stats import epsilon_lower_bound
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
class ReplaysTheDeal(Attack[Data, Floats]):
    """Cheat: deal for itself with seeds that a careless game may have used, and compare."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    app: Application

    def run(self, question: Data, access: Access) -> Floats:
        for seed in range(10):
            again = Membership().deal(self.app, TASK, np.random.default_rng(seed))
            if np.array_equal(again.question.x, question.x):
                return again.secret.member.astype(float)
        return np.zeros(len(question))


@pytest.mark.requirement("S9")
def test_perfect_knowledge_does_not_win_by_look_up() -> None:
    everything = Power(knowledge=Knowledge(data=Grade.FULL, algorithm=Grade.FULL, model=Grade.FULL))
    assert not beats_baseline(contest(LooksItUp(), everything).trials[-1].tally)


def test_a_deal_cannot_be_dealt_again() -> None:
    """Null: nothing is found and nothing is won; a game of one fixed seed loses every time."""
    for seed in range(5):
        cheat = ReplaysTheDeal(app=application(seed))
        assert not beats_baseline(contest(cheat, Power(), seed).trials[-1].tally)


def test_a_replayed_deal_would_be_a_win() -> None:
    """The cheat above works where the seed is one of those it tries."""
    app = application(0)
    dealt = Membership().deal(app, TASK, np.random.default_rng(7))
    terms = Terms(granted=Power(), rng=np.random.default_rng(0), victim=np.random.SeedSequence(0))
    found = ReplaysTheDeal(app=app).run(dealt.question, Access(app, terms))
    assert (found == dealt.secret.member).all()


def test_another_seed_deals_another_question() -> None:
    app, seen = application(0), []

    @final
    @dataclass(frozen=True, kw_only=True)
    class Notes(Attack[Data, Floats]):
        game: ClassVar = Membership
        variant: ClassVar[str] = "membership.threshold"
        reference: ClassVar[str] = "none"

        def run(self, question: Data, access: Access) -> Floats:
            seen.append(question.x)
            return np.zeros(len(question))

    for seed in (1, 2, 1):
        this = AttackRun(attack=Notes(), game=Membership(), task=TASK, granted=Power(), seed=seed)
        evaluate(app, this)
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], seen[2])


def test_thresholds_come_from_the_calibration_records_and_nothing_else() -> None:
    """Members, non-members and calibration records are scored by three different laws.

    The expected counts are worked out from the order statistics of each: a threshold taken from
    non-members or members gives other ones.
    """
    app, rng = application(0), np.random.default_rng(0)
    dealt = Membership().deal(app, TASK, rng)
    scores = np.empty(len(dealt.question))
    laws = {"calibration": (0.0, 1.0), "non_member": (0.7, 1.0), "member": (1.5, 2.0)}
    for role, (mean, spread) in laws.items():
        who = getattr(dealt.secret, role)
        scores[who] = rng.normal(mean, spread, int(who.sum()))
    answer = Checkpoint(scores, Cost(), np.ones(len(scores), dtype=np.int64))
    marking: Marking[Data, Roles, Floats] = Marking(
        app=app, task=TASK, deal=dealt, answers=(answer,), granted=Power(), rng=rng
    )
    result = Membership().mark(marking)
    tally = result.trials[-1].tally
    assert isinstance(tally, Ratio)
    audited = next(at for at in tally.at if at.fpr == AUDITED_RATE)
    (epsilon,) = [m.value for m in result.measurements if m.metric == "empirical epsilon"]
    counts = audited.true_positives, audited.positives, audited.false_positives, audited.negatives
    assert epsilon == epsilon_lower_bound(*counts)
    falling = np.sort(scores[dealt.secret.calibration])[::-1]
    for at in tally.at:
        threshold = falling[round(at.fpr * len(falling))]
        assert at.false_positives == (scores[dealt.secret.non_member] > threshold).sum()
        assert at.true_positives == (scores[dealt.secret.member] > threshold).sum()
        # a non-member is 0.7 spreads nearer: 5 standard deviations of a binomial, false alarm 1e-6
        law = ndtr(0.7 - ndtri(1 - at.fpr))
        spread = np.sqrt(law * (1 - law) * 2 / at.negatives)
        assert abs(at.false_positives / at.negatives - law) < 5 * spread + 5 / at.negatives


def test_the_place_of_a_record_says_nothing_of_its_role() -> None:
    """The mean place of each role is that of all, within 5 standard errors: false alarm 2e-6."""
    dealt = Membership().deal(application(0), TASK, np.random.default_rng(0))
    n = len(dealt.question)
    roles = dealt.secret.member, dealt.secret.non_member, dealt.secret.calibration
    assert (np.sum(roles, axis=0) == 1).all()
    for role in roles:
        error = n / np.sqrt(12 * role.sum())
        assert abs(np.flatnonzero(role).mean() - (n - 1) / 2) < 5 * error


def test_all_non_members_are_asked_about_where_there_are_few_members() -> None:
    """How far a rate of false positives is bounded depends on their number, not on the members'."""
    app = application(0)
    few = replace(app, data=replace(app.data, train=app.data.train.take(slice(0, 30))))
    secret = Membership().deal(few, TASK, np.random.default_rng(0)).secret
    assert secret.member.sum() == 30
    assert secret.non_member.sum() == len(app.data.holdout) > 30
    small = Membership(per_side=40).deal(app, TASK, np.random.default_rng(0)).secret
    assert small.member.sum() == small.non_member.sum() == 40


def test_false_alarms_are_as_many_as_promised() -> None:
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
