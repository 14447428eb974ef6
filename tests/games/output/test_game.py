"""The output game: what each protection stops is known, message by message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AnyAttack, AttackRun, evaluate
from goalkeeper.attacks.output.dropped_answers import DroppedAnswers
from goalkeeper.attacks.output.flipped_answers import FlippedAnswers
from goalkeeper.attacks.output.replayed_answers import ReplayedAnswers
from goalkeeper.attacks.output.scaled_answers import ScaledAnswers
from goalkeeper.attacks.output.wrong_reactions import WrongReactions
from goalkeeper.core.application import Answers, Application, Wiring
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.evidence import AttackResult, Measurement, Proportion, Status
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.power import Capability, Power, View
from goalkeeper.games.output import Output
from goalkeeper.games.output.marks import Pool, Session, _picked, tampered, traffic
from goalkeeper.games.output.system import Channel, Messages, System
from goalkeeper.games.output.worlds import SURE, by_certainty
from goalkeeper.games.shared.output_data import Reader, application
from tests.contract.harness import enough, task_of

REACTIONS = {"harmless": "inbox", "harmful": "spam folder"}
INTERCEPTOR = Power(capabilities=Capability.O)


def app(careless: float = 0.0, kind: str = "table", **wiring: Any) -> Application:
    made = application("mail", kind, Reader(careless=careless), np.random.default_rng(5))
    return replace(made, wiring=Wiring(**{"reactions": REACTIONS, "channel": "none", **wiring}))


def result_of(attack: AnyAttack, mail: Application, task: str) -> AttackResult:
    this = AttackRun(
        attack=attack,
        game=Output(),
        task=task_of(type(attack), mail, task),
        granted=enough(type(attack)),
        seed=0,
    )
    return evaluate(mail, this)


def counts(found: AttackResult) -> Proportion:
    tally = found.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally


def measured(found: AttackResult, metric: str, group: str = "") -> Measurement:
    (one,) = [m for m in found.measurements if m.metric == metric and m.group == group]
    return one


@pytest.mark.requirement("S25")
@pytest.mark.parametrize(
    ("channel", "attack", "wrong", "noticed"),
    [
        ("none", FlippedAnswers(), 1.0, 0.0),
        ("none", ReplayedAnswers(), 1.0, 0.0),
        ("none", DroppedAnswers(), 0.0, 1.0),  # the system stops, and that is seen
        ("signed", FlippedAnswers(), 0.0, 1.0),
        ("signed", ReplayedAnswers(), 1.0, 0.0),  # a signature over the answer alone still fits
        ("signed", DroppedAnswers(), 0.0, 1.0),
        ("replay-protected", FlippedAnswers(), 0.0, 1.0),
        ("replay-protected", ReplayedAnswers(), 0.0, 1.0),
        ("replay-protected", DroppedAnswers(), 0.0, 1.0),
    ],
)
def test_every_protection_stops_what_it_is_for(
    channel: str, attack: AnyAttack, wrong: float, noticed: float
) -> None:
    found = result_of(attack, app(channel=channel), "wrong-reaction")
    assert found.status is Status.TESTED
    assert counts(found).successes / counts(found).n == wrong
    assert counts(found).baseline_successes == 0
    assert measured(found, "success_rate") == found.measurements[0]
    assert measured(found, "share noticed").value == noticed
    assert measured(found, "share noticed").baseline == 0


@pytest.mark.requirement("S25", "S31")
def test_a_withheld_answer_does_what_the_wiring_says() -> None:
    """A system that delivers what was not judged delivers spam, and nobody notices."""
    open_door = app(missing="inbox")
    found = result_of(DroppedAnswers(), open_door, "wrong-reaction")
    harmful = measured(found, "share of inputs", "spam folder").baseline
    assert counts(found).successes == round(harmful * counts(found).n)
    assert measured(found, "share noticed").value == 0
    assert counts(result_of(DroppedAnswers(), open_door, "denied-in-transit")).successes == 0
    aside = app(missing="a person decides")  # what follows no answer shows that there is none
    found = result_of(DroppedAnswers(), aside, "wrong-reaction")
    assert counts(found).successes == 0
    assert measured(found, "share noticed").value == 1
    numbered = app(missing="inbox", channel="replay-protected")
    found = result_of(DroppedAnswers(), numbered, "wrong-reaction")
    assert counts(found).successes == 0
    assert measured(found, "share noticed").value == 1


@pytest.mark.requirement("S28", "S29", "S31")
def test_denial_counts_even_if_it_is_noticed_and_only_for_harmless_inputs() -> None:
    mail = app(channel="replay-protected")
    found = result_of(FlippedAnswers(), mail, "denied-in-transit")
    tally = counts(found)
    assert tally.successes == tally.n
    assert tally.n == int((mail.data.holdout.y == 0).sum())
    assert measured(found, "share noticed").value == 1
    assert "1.0% are tolerated" in found.summary
    wrong, denied, chosen = Output().tasks(mail)
    assert wrong.harms[0].level is IntegrityLevel.OUTPUT
    assert denied.harms[0].goal is Goal.AVAILABILITY
    assert [h.goal for h in chosen.harms] == [Goal.INTEGRITY, Goal.AVAILABILITY]


def test_only_inputs_answered_rightly_count() -> None:
    mail = app(careless=0.3)
    found = result_of(FlippedAnswers(), mail, "wrong-reaction")
    right = mail.target.answer(mail.data.holdout.x, View.LABELS).labels == mail.data.holdout.y
    assert counts(found).n == int(right.sum())


@pytest.mark.requirement("S25")
def test_an_adapter_decides_by_scores_and_says_what_it_notices() -> None:
    def strict(label: str, scores: Mapping[str, float] | None) -> str:
        assert scores is not None
        if max(scores, key=lambda name: scores[name]) != label:
            return "rejected"
        if abs(sum(scores.values()) - 1) > 1e-9:
            raise ValueError("these are no probabilities")
        return by_certainty(label, scores)

    mail = app(adapter=strict)
    scaled = result_of(ScaledAnswers(), mail, "wrong-reaction")
    top = mail.target.answer(mail.data.holdout.x, View.SCORES).scores.max(axis=1)
    moved = int((top != SURE).sum())  # 1.5 - c lies beyond 0.75 for every c but 0.75 itself
    assert counts(scaled).successes == moved > 390
    assert measured(scaled, "share noticed").value == 0
    flipped = result_of(FlippedAnswers(), mail, "wrong-reaction")
    assert counts(flipped).successes == counts(flipped).n  # scores change places as well


def test_scores_change_nothing_where_reactions_follow_from_classes() -> None:
    unfit = ScaledAnswers().unfit(app())
    assert unfit is not None
    assert unfit.proven
    assert ScaledAnswers().unfit(app(adapter=by_certainty)) is None


def rewritten_by(rewrite: Any, mail: Application, granted: Power = INTERCEPTOR) -> AttackResult:
    task = task_of(FlippedAnswers, mail, "wrong-reaction")
    session = Session(key=b"key", data=mail.data.holdout)
    question = traffic(mail, task, session, None)
    return tampered(mail, question, session, rewrite, granted)


def test_a_tag_cannot_be_left_out_and_answers_must_stay_answers() -> None:
    mail = app(channel="signed")
    found = rewritten_by(lambda sent: Answers(1 - sent.labels), mail)
    assert counts(found).successes == 0
    assert measured(found, "share noticed").value == 1
    assert counts(rewritten_by(lambda sent: sent, mail)).successes == 0
    with pytest.raises(DataError, match="answers that it was given"):
        rewritten_by(lambda sent: Answers(sent.labels[:3]), mail)
    with pytest.raises(DataError, match="must be a function"):
        rewritten_by(7, mail)
    with pytest.raises(NotGranted, match="capability O"):
        rewritten_by(lambda sent: sent, mail, Power())


def test_tags_bind_content_and_number() -> None:
    answers = Answers(np.array([0, 1, 0]), np.array([[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]]))
    signed, fresh = Channel("signed", b"k"), Channel("replay-protected", b"k")
    sent = signed.sealed(answers, 10, scored=True)
    assert signed.accepts(sent.take(np.array([2, 1, 1])), 10).all()
    assert not Channel("signed", b"other").accepts(sent, 10).any()
    numbered = fresh.sealed(answers, 10, scored=True)
    assert fresh.accepts(numbered, 10).all()
    assert not fresh.accepts(numbered, 11).any()
    assert fresh.accepts(numbered.take(np.array([2, 1, 0])), 10).tolist() == [False, True, False]
    nudged = replace(sent, _scores=answers.scores + 1e-12)
    assert not signed.accepts(nudged, 10).any()


def test_an_answer_that_is_no_class_is_noticed() -> None:
    system = System.of(app(), b"k")
    found = system.react(Messages(np.array([0, 7, -1])), 0)
    assert found.names.tolist() == ["inbox", "stops", "stops"]
    assert found.noticed.tolist() == [False, True, True]


def test_an_adapter_that_rejects_everything_is_inconclusive() -> None:
    def broken(label: str, scores: Mapping[str, float] | None) -> str:
        raise KeyError(label)

    found = result_of(FlippedAnswers(), app(adapter=broken), "wrong-reaction")
    assert found.status is Status.NOT_TESTED
    assert "rejects every genuine answer" in found.reason


@pytest.mark.parametrize(
    ("wiring", "task", "said", "proven"),
    [
        ({"reactions": {"harmless": "inbox"}}, "wrong-reaction", "class harmful", False),
        ({"channel": ""}, "wrong-reaction", "does not say how answers reach", False),
        ({"channel": "in-process"}, "denied-in-transit", "do not leave the program", True),
        ({"reactions": {"harmless": "log", "harmful": "log"}}, "chosen-inputs", "alike", True),
        ({"reactions": {"harmless": "log", "harmful": "log"}}, "wrong-reaction", "alike", True),
    ],
)
def test_what_cannot_be_played_says_why(
    wiring: dict[str, Any], task: str, said: str, *, proven: bool
) -> None:
    mail = app(**wiring)
    unfit = Output().unfit(mail, task_of(FlippedAnswers, mail, task))
    assert unfit is not None
    assert said in unfit.reason
    assert unfit.proven is proven


def test_a_log_that_stops_without_an_answer_can_be_denied() -> None:
    same = app(reactions={"harmless": "log", "harmful": "log"})
    assert Output().unfit(same, task_of(FlippedAnswers, same, "denied-in-transit")) is None
    assert counts(result_of(DroppedAnswers(), same, "denied-in-transit")).successes > 0


@pytest.mark.requirement("S25")
def test_choosing_finds_a_wrong_reaction_wherever_there_is_one() -> None:
    """A slot is lost only if all its inputs are answered rightly: 0.7 ** 5 of them, 17 %."""
    mail = app(careless=0.3)
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
    question = Pool(x=data.x, y=data.y, slots=2, size=2)
    with pytest.raises(DataError, match="one row of each"):
        _picked(np.array([0, 1]), question)
