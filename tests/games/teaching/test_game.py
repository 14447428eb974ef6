"""The teaching game: a learner that counts, so that every drift can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, ClassVar, final

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, evaluate, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.teaching.feedback_flips import FeedbackFlips
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application, Ensemble, Feedback, Target
from goalkeeper.core.data import Bools, Data, Inputs, Ints, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.errors import ChangeRefused, NotGranted
from goalkeeper.core.evidence import AttackResult, DamageCount, Measurement, Status
from goalkeeper.core.feedback import FeedbackBatch, honest_labels, most_in_all, served
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.games.tallies import beats_baseline, estimate_tally
from goalkeeper.games.teaching import FeedbackChannel, FeedbackPlan, Teaching
from goalkeeper.planning import make_plan
from goalkeeper.targets import PythonTarget
from tests.contract.harness import build, enough, task_of

CLASSES = ("harmless", "harmful")
DOMAIN = TableDomain(columns=(Column(name="x", low=0, high=1e6),))
PARTS = {"train": (60, 40), "holdout": (100, 100), "calibration": (50, 50), "similar": (60, 60)}


class Majority:
    """A learner that counts: every input is what at least half of the records are called."""

    recipe = "the class of most records"

    def fit(self, data: Data, seed: int) -> Target:
        return self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]).target(0)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        harmful = (masks & (data.y == 1)).sum(axis=1)
        return Counted((2 * harmful >= masks.sum(axis=1)).astype(np.int64))


class Counted:
    def __init__(self, said: Ints) -> None:
        self.said = said

    def __len__(self) -> int:
        return len(self.said)

    def scores(self, x: Inputs) -> Any:
        return np.eye(2)[self.labels(x)]

    def labels(self, x: Inputs) -> Ints:
        return np.repeat(self.said[:, None], len(x), axis=1)

    def target(self, i: int) -> Target:
        said = np.eye(2)[self.said[i]]
        sample = np.zeros((1, 1))
        return PythonTarget(lambda x: np.tile(said, (len(x), 1)), CLASSES, DOMAIN, sample=sample)


def app_of(**loop: Any) -> Application:
    """60 harmful and 40 harmless training records: harmful until 21 more are called harmless."""
    parts, at = {}, 0
    for name, (harmful, harmless) in PARTS.items():
        n = harmful + harmless
        x = np.arange(at, at + n, dtype=np.float64)[:, None]
        parts[name] = Data(x=x, y=np.repeat([1, 0], (harmful, harmless)))
        at += n
    data = Splits(**parts)
    return Application(
        name="counts",
        target=Majority().fit(data.train, 0),
        data=data,
        domain=DOMAIN,
        classes=CLASSES,
        harmless=0,
        trainer=Majority(),
        feedback=Feedback(**{"share": 0.1, "rounds": 5, **loop}),
    )


@final
@dataclass(frozen=True, kw_only=True)
class Does(Attack[FeedbackChannel, FeedbackPlan]):
    """Play whatever a test says."""

    game: ClassVar = Teaching
    variant: ClassVar[str] = "teaching.online_feedback"
    reference: ClassVar[str] = "none"

    how: Callable[[FeedbackChannel, Access], Any] = field(repr=False)

    def run(self, question: FeedbackChannel, access: Access) -> FeedbackPlan:
        answer: FeedbackPlan = self.how(question, access)
        return answer


def power(share: float = 0.5, data: Grade = Grade.PARTIAL, **more: Any) -> Power:
    knowledge = Knowledge(data=data)
    given = {"capabilities": Capability.M4, "view": View.LABELS, **more}
    return Power(knowledge=knowledge, budget=Budget(share=share, queries=1e4), **given)


def result_of(
    app: Application, how: Any, task: str = "taught-wrong", *, share: float = 0.5
) -> AttackResult:
    game = Teaching(kept=1.0, campaigns=5)
    named = next(t for t in game.tasks(app) if t.name == task)
    this = AttackRun(attack=Does(how=how), game=game, task=named, granted=power(share), seed=1)
    return evaluate(app, this)


def lying(*sizes: int) -> Callable[[FeedbackChannel, Access], FeedbackPlan]:
    """Call own harmful records harmless, so many a round."""

    def how(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        data = access.data()
        own = data.take(data.y == 1)
        ends = np.cumsum([0, *sizes])
        parts = [own.take(slice(int(a), int(b))) for a, b in pairwise(ends)]
        return FeedbackPlan(batches=tuple(FeedbackBatch.about(part, 0 * part.y) for part in parts))

    return how


def found(result: AttackResult, metric: str) -> Measurement:
    return next(m for m in result.measurements if m.metric == metric)


# ---- drift: known by counting --------------------------------------------------------------------


@pytest.mark.requirement("S20")
def test_the_drift_is_what_counting_says() -> None:
    """21 lies turn the majority: 100 harmful inputs newly wrong, 100 harmless ones newly right."""
    app = app_of()
    before, after = (result_of(app, lying(*sizes)) for sizes in ((10, 10), (10, 10, 1)))
    nothing, all_turned = before.trials[-1].tally, after.trials[-1].tally
    assert isinstance(nothing, DamageCount)
    assert isinstance(all_turned, DamageCount)
    assert nothing.gained == nothing.lost == (0,) * 5
    assert all_turned.gained == all_turned.lost == (100,) * 5
    assert [t.share for t in after.trials] == pytest.approx([10 / 110, 20 / 120, 21 / 121])


@pytest.mark.requirement("S20")
def test_the_headline_is_the_rated_number() -> None:
    result = result_of(app_of(), lying(10, 10, 5), "after-rollback")
    headline = result.measurements[0]
    assert headline.metric == "tolerance_multiple"
    low_to_high = (headline.value, headline.low, headline.high)
    assert low_to_high == pytest.approx(tuple(estimate_tally(result.trials[-1].tally)))


def test_teaching_to_decline_counts_harmless_inputs_only() -> None:
    """The honest twin gets harmless and harmful records alike and stays as it was."""

    def how(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        data = access.data()
        own = data.take(data.y == 0).take(slice(0, 10))
        return FeedbackPlan(batches=(FeedbackBatch.about(own, 1 - own.y),))

    app = app_of()
    flipped = replace(app.data.train, y=1 - app.data.train.y)  # 40 harmful, 60 harmless
    app = replace(app, data=replace(app.data, train=flipped))
    tally = result_of(app, how, "taught-to-decline").trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert tally.n == 100
    assert tally.gained == (0,) * 5  # 50 of 110: not enough


def test_full_review_undoes_every_lie() -> None:
    result = result_of(app_of(review=1.0), lying(10, 10, 10))
    tally = result.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert tally.gained == (0,) * 5
    assert found(result, "corrected_by_review").value == 1.0


# ---- detection and rollback ----------------------------------------------------------------------


@pytest.mark.requirement("S27")
def test_the_monitor_notices_in_the_round_in_which_the_drift_comes() -> None:
    """A half harmful reference set loses no accuracy, so nobody notices; an uneven one does."""
    app = app_of(monitor=0.05)
    even = result_of(app, lying(10, 10, 5))
    assert found(even, "noticed").value == 0.0
    uneven = replace(app.data, calibration=app.data.calibration.take(slice(0, 80)))
    seen = result_of(replace(app, data=uneven), lying(10, 10, 5))
    noticed = found(seen, "noticed")
    assert (noticed.value, noticed.baseline, noticed.n) == (1.0, 0.0, 5)
    assert noticed.low == pytest.approx(0.025 ** (1 / 5))  # exact: all of five
    kept = replace(app.feedback or Feedback(), snapshots=1)
    undone = result_of(replace(app, data=uneven, feedback=kept), lying(10, 10, 5))
    tally = undone.trials[-1].tally
    assert isinstance(tally, DamageCount)
    assert tally.gained == (0,) * 5  # the version of the round before was restored


@pytest.mark.requirement("S27")
@pytest.mark.parametrize(("snapshots", "changed"), [(0, 1.0), (2, 1.0), (3, 0.0), (5, 0.0)])
def test_a_rollback_gives_back_what_was_kept(snapshots: int, changed: float) -> None:
    """The drift comes in round 3 of 5: three earlier versions reach back to round 2."""
    result = result_of(app_of(snapshots=snapshots), lying(10, 10, 5), "after-rollback")
    assert found(result, "answers_changed_after_rollback").value == changed
    assert found(result, "damage_without_rollback").value == 0.0  # as many right as wrong
    assert ("nothing can be rolled back" in result.summary) == (snapshots == 0)


@pytest.mark.requirement("S27")
def test_which_version_serves() -> None:
    right = [0.9, 0.88, 0.84, 0.7, 0.95]

    def serving(**loop: Any) -> tuple[list[int], int | None]:
        versions, alarm = served(right, Feedback(**loop))
        return versions.tolist(), alarm

    assert serving() == ([0, 1, 2, 3, 4], None)
    assert serving(monitor=0.05) == ([0, 1, 2, 2, 2], 2)  # learning stops, the harm stays
    assert serving(monitor=0.05, snapshots=1) == ([0, 1, 1, 1, 1], 2)
    assert serving(monitor=0.1, snapshots=9) == ([0, 1, 2, 0, 0], 3)
    assert serving(monitor=0.2) == ([0, 1, 2, 3, 4], None)  # no more than borne


# ---- what is refused -----------------------------------------------------------------------------


def refused(how: Any, *, share: float = 0.5, app: Application | None = None) -> str:
    app = app or app_of()
    task = Teaching().tasks(app)[0]
    this = AttackRun(
        attack=Does(how=how), game=Teaching(), task=task, granted=power(share), seed=1
    )  # fmt: skip
    result = execute(app, this)
    assert result.status is Status.FAILED_TO_RUN
    assert result.reason.startswith("ChangeRefused: ")
    return result.reason


@pytest.mark.requirement("S20")
def test_more_than_share_round_or_loop_takes_is_refused() -> None:
    assert "a round takes 10" in refused(lying(11))
    assert "there are 5 rounds" in refused(lying(1, 1, 1, 1, 1, 1))
    assert "are 5; give less" in refused(lying(3, 3), share=0.05)  # 5 of 105 are less than 5 %


def test_made_up_records_and_classes_are_refused() -> None:
    def invented(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        own = access.data().take(slice(0, 3))
        fake = Data(x=own.x, y=1 - own.y)
        return FeedbackPlan(batches=(FeedbackBatch(x=own.x, labels=own.y, bases=fake),))

    def unknown(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        own = access.data().take(slice(0, 3))
        return FeedbackPlan(batches=(FeedbackBatch.about(own, own.y + 2),))

    def outside(_: FeedbackChannel, access: Access) -> FeedbackPlan:
        own = access.data().take(slice(0, 3))
        return FeedbackPlan(batches=(FeedbackBatch(x=own.x - 1e7, labels=own.y, bases=own),))

    def nothing(_: FeedbackChannel, access: Access) -> list[int]:
        return [1]

    assert "not a record of the attacker's data" in refused(invented)
    assert "not one of the 2 classes" in refused(unknown)
    assert "not an input of this application" in refused(outside)
    assert "must be a FeedbackPlan" in refused(nothing)


def test_an_honest_label_of_a_changed_input_needs_a_labeller() -> None:
    bases = Data(x=np.array([[1.0], [2.0]]), y=np.array([1, 0]))
    same = FeedbackBatch.about(bases, np.array([0, 0]))
    assert honest_labels(same, None).tolist() == [1, 0]
    changed = FeedbackBatch(x=np.array([[1.0], [3.0]]), labels=np.array([0, 0]), bases=bases)
    with pytest.raises(ChangeRefused, match="describe one"):
        honest_labels(changed, None)
    labels = honest_labels(changed, lambda x, _: np.full(len(x), 1))
    assert labels.tolist() == [1, 1]  # the unchanged keeps its class, the other is asked about


def test_too_little_to_say_is_not_tested() -> None:
    result = result_of(app_of(), lying(0), share=0.001)
    assert result.status is Status.NOT_TESTED
    assert "less than one record" in result.reason


def test_the_share_is_of_everything_that_is_trained_on() -> None:
    assert most_in_all(Feedback(share=1.0, rounds=10), 100, 0.5) == 100
    assert most_in_all(Feedback(share=1.0, rounds=10), 99, 0.01) == 1
    assert most_in_all(Feedback(share=0.02, rounds=3), 100, 0.5) == 6


# ---- access.teach --------------------------------------------------------------------------------


def door(app: Application, granted: Power) -> Access:
    seed = np.random.SeedSequence(2)
    return Access(app, Terms(granted=granted, rng=np.random.default_rng(1), victim=seed))


@pytest.mark.requirement("S20")
def test_teach_adds_up_and_is_counted() -> None:
    access = door(app_of(), power(capabilities=Capability.M4 | Capability.M2))
    asked = access.data().x[:1]
    answers = []
    for batch in lying(10, 10, 5)(
        FeedbackChannel(task="", rows=100, loop=Feedback()), access
    ).batches:
        access = access.teach(batch)
        answers.append(int(access.query(asked).labels[0]))
    assert answers == [1, 1, 0]
    assert access.spent.models == 3
    with pytest.raises(ChangeRefused, match="a round takes 10"):
        access.teach(
            FeedbackBatch.about(access.data().take(slice(0, 11)), np.zeros(11, dtype=np.int64))
        )


def test_teach_needs_the_capability() -> None:
    access = door(app_of(), power(capabilities=Capability.M2))
    with pytest.raises(NotGranted, match="M4"):
        access.teach(
            FeedbackBatch.about(access.data().take(slice(0, 1)), np.zeros(1, dtype=np.int64))
        )


@pytest.mark.requirement("S27")
def test_what_teach_returns_is_watched_and_restored() -> None:
    app = app_of(monitor=0.05, snapshots=2)
    data = replace(app.data, calibration=app.data.calibration.take(slice(0, 60)))
    access = door(replace(app, data=data), power(capabilities=Capability.M4 | Capability.M2))
    for batch in lying(10, 10, 5)(
        FeedbackChannel(task="", rows=100, loop=Feedback()), access
    ).batches:
        access = access.teach(batch)
    assert access.query(access.data().x[:1]).labels[0] == 1


# ---- whether it is played ------------------------------------------------------------------------


def test_an_undeclared_loop_is_not_tested_and_none_rules_it_out() -> None:
    app = app_of()
    task = Teaching().tasks(app)[0]
    said_nothing = Teaching().unfit(replace(app, feedback=None), task)
    said_none = Teaching().unfit(replace(app, feedback=Feedback(rounds=0)), task)
    assert said_nothing
    assert not said_nothing.proven
    assert "feedback: none" in said_nothing.reason
    assert said_none
    assert said_none.proven
    assert Teaching().unfit(app, task) is None
    assert Teaching().unfit(replace(app, trainer=None), task)


def test_the_loop_is_part_of_what_was_evaluated() -> None:
    prints = {app_of(snapshots=n).fingerprint for n in (0, 1)}
    assert len(prints) == 2
    attacks = [e.attack for e in make_plan(app_of()).entries if e.unit and e.game == "teaching"]
    assert "feedback_flips" in attacks


def test_the_fair_learner_wavers_without_being_taught() -> None:
    """Its noise differs by world, so the game must cope with it: both signs occur."""
    app = build(FeedbackFlips, "table", "fair", 0)
    task = task_of(FeedbackFlips, app, "taught-wrong")
    nets = set()
    for seed in range(8):
        this = AttackRun(
            attack=FeedbackFlips(), game=Teaching(), task=task, granted=enough(FeedbackFlips),
            seed=seed,
        )  # fmt: skip
        tally = evaluate(app, this).trials[-1].tally
        assert isinstance(tally, DamageCount)
        assert not beats_baseline(tally)
        nets.add(np.sign(sum(tally.gained) - sum(tally.lost)))
    assert nets >= {-1, 1}
