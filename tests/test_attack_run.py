"""One play: what is caught, what is controlled, and which random streams are apart."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, final

import numpy as np
import pytest

from goalkeeper.attack_run import AttackRun, _storable, execute, stream
from goalkeeper.attacks.base import Attack, Task
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.attacks.membership.shadow_likelihood import ShadowLikelihood
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.deadline import check_time
from goalkeeper.core.evidence import AttackResult, Exhibit, Gain, Status, Trial
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.reference import MODELS, derive
from goalkeeper.games.base import Deal, Game, Marking
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.game import TASK
from tests.attacks.membership.gaussian import application

ASKS = Power(capabilities=Capability.M2, view=View.SCORES, budget=Budget(queries=1))


@final
@dataclass(frozen=True, kw_only=True)
class Sleepy(Attack[Data, Floats]):
    """Answer at random: finds nothing, not even in a weakened application."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> Floats:
        return access.rng.random(len(question))


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


@final
@dataclass(frozen=True, kw_only=True)
class Thorough(Attack[Data, Floats]):
    """Ask so many times about each record, or else answer at random."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    needs: int = 10

    def run(self, question: Data, access: Access) -> Floats:
        if access.left().min() < self.needs:
            return access.rng.random(len(question))
        everyone = np.arange(len(question))
        answers = [access.query(question.x, everyone) for _ in range(self.needs)]
        return np.asarray(answers[-1].scores[np.arange(len(question)), question.y])


def test_a_small_budget_withstands_and_fails_no_control() -> None:
    result = contest(Thorough())
    assert result.status is Status.TESTED
    assert result.controls[-1].passed
    assert "with 1 query the attack does not break it, with 64" in result.controls[-1].detail
    assert "what withstood is the limit of 1 query" in result.caveats[-1]
    assert contest(Thorough(needs=1)).caveats == contest(LossThreshold()).caveats


@final
@dataclass(frozen=True, kw_only=True)
class Rehearsed(Attack[Data, Floats]):
    """Tell members by their scores where the application is weak; note what it was given."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    rehearsal: ClassVar[float] = 2.0
    given: list[float] = field(default_factory=list)
    needs: int = 1

    def run(self, question: Data, access: Access) -> Floats:
        self.given.append(access.granted.budget.queries)
        if access.left().min() < self.needs:
            return access.rng.random(len(question))
        answers = access.query(question.x, np.arange(len(question)))
        return np.asarray(answers.scores[np.arange(len(question)), question.y])


@pytest.mark.parametrize(("needs", "given"), [(1, [8.0, 2.0]), (5, [8.0, 2.0, 8.0])])
def test_an_attack_is_first_tried_with_as_few_questions_as_it_works_with(
    needs: int, given: list[float]
) -> None:
    """Where these do not suffice, with what it is granted; neither is a limit that withstood."""
    granted = replace(ASKS, budget=replace(ASKS.budget, queries=8.0))
    attack = Rehearsed(needs=needs)
    this = AttackRun(attack=attack, game=Membership(), task=TASK, granted=granted, seed=0)
    result = execute(application(0, n=60), this)
    assert result.controls[-1].passed
    assert attack.given == given
    assert not any("what withstood" in caveat for caveat in result.caveats)


@final
@dataclass(frozen=True, kw_only=True)
class Informed(Attack[Data, Floats]):
    """Tell members by their scores if the recipe is known, or else answer at random."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    def run(self, question: Data, access: Access) -> Floats:
        if access.granted.knowledge.algorithm < Grade.FULL:
            return access.rng.random(len(question))
        answers = access.query(question.x, np.arange(len(question)))
        return np.asarray(answers.scores[np.arange(len(question)), question.y])


def test_a_recipe_that_is_not_known_withstands_and_fails_no_control() -> None:
    result = contest(Informed())
    assert result.status is Status.TESTED
    assert result.controls[-1].passed
    assert "only who knows the training algorithm" in result.controls[-1].detail
    assert "does not know the training algorithm" in result.caveats[-1]


def test_more_than_any_control_gives_still_proves_nothing() -> None:
    assert contest(Thorough(needs=1000)).status is Status.CONTROL_FAILED


def test_a_service_is_not_asked_more_than_was_granted() -> None:
    app = application(0, n=200)
    app.target.asked_again = lambda occasion: app.target  # type: ignore[attr-defined]
    this = AttackRun(attack=Thorough(), game=Membership(), task=TASK, granted=ASKS, seed=0)
    assert execute(app, this).status is Status.CONTROL_FAILED


def test_a_success_proves_itself_and_a_failure_is_controlled() -> None:
    strong = contest(LossThreshold(), n=2000)
    assert strong.status is Status.TESTED
    assert not any(c.name.startswith("breaks") for c in strong.controls)
    weak = contest(LossThreshold(), n=60)
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


# ---- when time is over ---------------------------------------------------------------------------

OWNS = replace(ASKS, knowledge=Knowledge(model=Grade.FULL))  # asks its own copy, without a budget


@final
@dataclass(frozen=True, kw_only=True)
class Tireless(Attack[Data, Floats]):
    """Ask on and on; by and by the answers may show who is a member."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    answers: str = "none"  # or "by chance", or "by loss"

    def run(self, question: Data, access: Access) -> Floats:
        scores = access.rng.random(len(question))
        if self.answers == "by loss":
            scores = LossThreshold().run(question, access)
        if self.answers != "none":
            access.checkpoint(scores)
        while True:
            access.query(question.x[:2])


def limited(attack: Attack[Data, Floats], seconds: float, n: int = 200) -> AttackResult:
    this = AttackRun(attack=attack, game=Membership(), task=TASK, granted=OWNS, seed=0)
    start = time.time()
    result = execute(application(0, n=n), this, deadline=start + seconds, expected=300)
    assert time.time() - start < max(seconds, 0.0) + 1.0
    return result


def test_an_attack_without_an_answer_when_its_time_is_over_is_not_tested() -> None:
    result = limited(Tireless(), 0.4)
    assert result.status is Status.NOT_TESTED
    assert result.limited
    assert result.cost.forward > 2
    assert result.took < 0.4, "the rest of the time would be for marking and controls"
    assert result.reason == (
        "stopped by the time limit (after 0 s, before it had an answer); what it would take: "
        "about 5 min"
    )


def test_an_attack_that_has_won_when_its_time_is_over_is_marked_by_its_last_answer() -> None:
    result = limited(Tireless(answers="by loss"), 1.0, n=2000)
    assert result.status is Status.TESTED
    assert result.limited
    assert "stopped by the time limit; marked by its last answer" in result.caveats


def test_an_attack_that_has_not_won_when_its_time_is_over_proves_nothing() -> None:
    """Neither that it fails, nor that its setting is too weak: no control is played."""
    result = limited(Tireless(answers="by chance"), 0.4)
    assert result.status is Status.NOT_TESTED
    assert result.limited
    assert not any(control.name.startswith("breaks") for control in result.controls)
    assert result.measurements
    assert "what it had found did not beat the baseline" in result.reason


@pytest.mark.parametrize("late", ["mark", "weakened"])
def test_marking_and_controls_end_with_the_time(late: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    def slow(game: Membership, *given: Any) -> Any:
        begun.append(late)
        while True:
            check_time()

    monkeypatch.setattr(Membership, late, slow)
    result = limited(Sleepy(), 0.3)
    assert begun == [late]
    assert result.status is Status.NOT_TESTED
    assert result.limited
    where = {"mark": "before its answer was marked", "weakened": "before its positive control"}
    assert where[late] in result.reason
    assert bool(result.measurements) is (late == "weakened")


@final
@dataclass(frozen=True, kw_only=True)
class SlowAgain(Attack[Data, Floats]):
    """Guess at once, and take for ever when asked again, which the control does."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"
    answers: bool = False  # whether it hands in what it has the second time
    asked: list[int] = field(default_factory=list)

    def run(self, question: Data, access: Access) -> Floats:
        self.asked.append(len(question))
        scores = access.rng.random(len(question))
        if len(self.asked) == 1:
            return scores
        if self.answers:
            access.checkpoint(scores)
        while True:
            access.query(question.x[:2])


@pytest.mark.parametrize("answers", [False, True])
def test_a_control_that_time_ended_has_not_failed(answers: bool) -> None:  # noqa: FBT001
    attack = SlowAgain(answers=answers)
    result = limited(attack, 0.3)
    assert len(attack.asked) == 2
    assert result.status is Status.NOT_TESTED
    assert result.limited
    assert "before its positive control" in result.reason


def test_nothing_is_begun_after_the_deadline() -> None:
    result = limited(Sleepy(), -1.0)
    assert result.limited
    assert "stopped by the time limit (before it began" in result.reason


def test_enough_time_changes_nothing() -> None:
    this = AttackRun(attack=LossThreshold(), game=Membership(), task=TASK, granted=ASKS, seed=0)
    plain = execute(application(0, n=200), this)
    timed = execute(application(0, n=200), this, deadline=time.time() + 1000)
    assert [trial.tally for trial in timed.trials] == [trial.tally for trial in plain.trials]
    assert timed.status is plain.status
    assert timed.measurements == plain.measurements
    assert timed.caveats == plain.caveats
    assert not timed.limited


def test_streams_of_other_names_are_apart() -> None:
    drawn = {
        who: np.random.default_rng(stream(0, who)).integers(2**62)
        for who in ("game", "attack", "victim", "mark", "control", "reference")
    }
    drawn["plain"] = np.random.default_rng(0).integers(2**62)
    assert len(set(drawn.values())) == len(drawn)


FRAMEWORKS = ("game", "victim", "reach", "mark", "control", "reference")


@pytest.mark.parametrize("who", FRAMEWORKS)
def test_only_the_attacks_stream_depends_on_attack_and_grant(who: str) -> None:
    """Two catalogued attacks, so that their names differ, and two grants."""
    one = AttackRun(attack=LossThreshold(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    for other in (replace(one, attack=ShadowLikelihood()), replace(one, granted=Power())):
        assert drawn(one, who) == drawn(other, who)
        assert drawn(one, "attack") != drawn(other, "attack")
    assert drawn(one, who) != drawn(replace(one, seed=4), who)
    assert drawn(one, who) != drawn(replace(one, task=replace(TASK, name="other")), who)
    assert drawn(one, who) != drawn(replace(one, game=Listening()), who)


def drawn(run: AttackRun, who: str) -> list[int]:
    words: list[int] = run.rng(who).generate_state(4).tolist()
    return words


@final
@dataclass(frozen=True, kw_only=True)
class Listening(Game[Data, None, tuple[int, ...]]):
    """Note the random stream that each part of a run is given."""

    name: ClassVar[str] = "listening"
    heard: dict[str, int] = field(default_factory=dict)
    attacked: list[str] = field(default_factory=list)

    def tasks(self, app: Application) -> tuple[Task, ...]:
        return (replace(TASK, name="listening"),)

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Data, None]:
        self.heard["deal"] = int(rng.integers(2**62))
        self.attacked.append(app.name)
        return Deal(app.data.similar, None)

    def mark(self, marking: Marking[Data, None, tuple[int, ...]]) -> AttackResult:
        self.heard["mark"] = int(marking.rng.integers(2**62))
        victim = np.random.default_rng(marking.victim)
        self.heard["victim"] = int(victim.integers(2**62))
        self.heard.update(
            zip(("attack", "reach", "shared", "models"), marking.final.answer, strict=True)
        )
        return counted(50, 50, 100)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        self.heard["control"] = int(rng.integers(2**62))
        return replace(app, name="weakened")


@final
@dataclass(frozen=True, kw_only=True)
class Draws(Attack[Data, tuple[int, ...]]):
    """Answer with what its own stream gives, those of its changes' effects and of shared models."""

    game: ClassVar = Listening
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none"

    def run(self, question: Data, access: Access) -> tuple[int, ...]:
        reach = np.random.default_rng(access._terms.victim)
        models = np.random.default_rng(derive(access._terms.reference, MODELS, 0))
        streams = (access.rng, reach, access.shared_rng(), models)
        return tuple(int(rng.integers(2**62)) for rng in streams)


def test_no_two_parts_of_a_run_draw_from_the_same_stream() -> None:
    game, app = Listening(), application(0, n=60)
    this = AttackRun(attack=Draws(), game=game, task=game.tasks(app)[0], granted=ASKS, seed=3)
    assert execute(app, this).status is Status.CONTROL_FAILED
    parts = {"deal", "attack", "reach", "mark", "victim", "control", "shared", "models"}
    assert set(game.heard) == parts
    assert len(set(game.heard.values())) == len(parts)
    assert list(dict.fromkeys(game.attacked)) == [app.name, "weakened"]


def counted(successes: int, base: int, n: int) -> AttackResult:
    tally = Gain(successes=successes, n=n, baseline_successes=base, baseline_n=n)
    return AttackResult(status=Status.TESTED, trials=(Trial(budget=1, queries=1, tally=tally),))


def test_what_not_even_a_perfect_attack_could_show_is_not_tested(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three right answers of three are no more than a coin gives, once in eight times."""
    this = AttackRun(attack=Sleepy(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    monkeypatch.setattr("goalkeeper.attack_run.evaluate", lambda app, this, **_: counted(3, 2, 3))
    result = execute(application(0, n=60), this)
    assert result.status is Status.NOT_TESTED
    assert "even a perfect attack would not differ" in result.reason


def test_a_baseline_that_leaves_nothing_to_gain_needs_no_control(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right in 60 of 100 cases, where 100 of 100 are without the model: nothing was gained."""
    this = AttackRun(attack=Sleepy(), game=Membership(), task=TASK, granted=ASKS, seed=3)
    monkeypatch.setattr(
        "goalkeeper.attack_run.evaluate", lambda app, this, **_: counted(60, 100, 100)
    )
    result = execute(application(0, n=60), this)
    assert result.status is Status.TESTED
    assert result.controls == ()


def test_half_characters_in_texts_are_escaped() -> None:
    """Data of services hold emoji that were cut in two; a file can hold no half of one."""
    result = AttackResult(
        status=Status.TESTED,
        exhibits=(Exhibit(title="an example", before="half \ud83d"),),
    )
    kept = _storable(result)
    assert kept.exhibits[0].before == "half \\ud83d"
    assert AttackResult.model_validate_json(kept.model_dump_json()) == kept
    whole = AttackResult(status=Status.TESTED, summary="whole \U0001f600")
    assert _storable(whole) is whole
