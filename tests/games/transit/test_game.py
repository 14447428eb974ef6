"""The transit game: what each protection stops is known, message by message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goalkeeper.attack_run import AnyAttack
from goalkeeper.attacks.transit.dropped_answers import DroppedAnswers
from goalkeeper.attacks.transit.flipped_answers import FlippedAnswers
from goalkeeper.attacks.transit.replayed_answers import ReplayedAnswers
from goalkeeper.attacks.transit.scaled_answers import ScaledAnswers
from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Answers, Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Inputs
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.evidence import AttackResult, Measurement, Status
from goalkeeper.core.goals import Goal, IntegrityLevel
from goalkeeper.core.power import Capability, Power, View
from goalkeeper.games.base import Deal, Marking
from goalkeeper.games.shared.base_targets import BareTarget
from goalkeeper.games.shared.reacting import SURE, react_by_certainty
from goalkeeper.games.transit import Transit
from goalkeeper.games.transit.game import WRONG
from goalkeeper.games.transit.traffic import SessionSecret, record_traffic
from tests.contract.harness import task_of
from tests.games.reacting import counts, result_of, wired_mail

GAME = Transit()
INTERCEPTOR = Power(capabilities=Capability.O)


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
    found = result_of(attack, wired_mail(channel=channel), "wrong-reaction")
    assert found.status is Status.TESTED
    assert counts(found).successes / counts(found).n == wrong
    assert counts(found).baseline_successes == 0
    assert measured(found, "success_rate") == found.measurements[0]
    assert measured(found, "share noticed").value == noticed
    assert measured(found, "share noticed").baseline == 0


@pytest.mark.requirement("S25", "S31")
def test_a_withheld_answer_does_what_the_wiring_says() -> None:
    """A system that delivers what was not judged delivers spam, and nobody notices."""
    open_door = wired_mail(missing="inbox")
    found = result_of(DroppedAnswers(), open_door, "wrong-reaction")
    harmful = measured(found, "share of inputs", "spam folder").baseline
    assert counts(found).successes == round(harmful * counts(found).n)
    assert measured(found, "share noticed").value == 0
    assert counts(result_of(DroppedAnswers(), open_door, "denied-in-transit")).successes == 0
    aside = wired_mail(
        missing="a person decides"
    )  # what follows no answer shows that there is none
    found = result_of(DroppedAnswers(), aside, "wrong-reaction")
    assert counts(found).successes == 0
    assert measured(found, "share noticed").value == 1
    numbered = wired_mail(missing="inbox", channel="replay-protected")
    found = result_of(DroppedAnswers(), numbered, "wrong-reaction")
    assert counts(found).successes == 0
    assert measured(found, "share noticed").value == 1


@pytest.mark.requirement("S28", "S29", "S31")
def test_denial_counts_even_if_it_is_noticed_and_only_for_harmless_inputs() -> None:
    mail = wired_mail(channel="replay-protected")
    found = result_of(FlippedAnswers(), mail, "denied-in-transit")
    tally = counts(found)
    assert tally.successes == tally.n
    assert tally.n == int((mail.data.holdout.y == 0).sum())
    assert measured(found, "share noticed").value == 1
    assert "1 % are tolerated" in found.summary
    wrong, denied = GAME.tasks(mail)
    assert wrong.harms[0].level is IntegrityLevel.OUTPUT
    assert denied.harms[0].goal is Goal.AVAILABILITY


def test_only_inputs_classified_correctly_count() -> None:
    mail = wired_mail(careless=0.3)
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
        return react_by_certainty(label, scores)

    mail = wired_mail(adapter=strict)
    scaled = result_of(ScaledAnswers(), mail, "wrong-reaction")
    top = mail.target.answer(mail.data.holdout.x, View.SCORES).scores.max(axis=1)
    moved = int((top != SURE).sum())  # 1.5 - c lies beyond 0.75 for every c but 0.75 itself
    assert counts(scaled).successes == moved > 390
    assert measured(scaled, "share noticed").value == 0
    flipped = result_of(FlippedAnswers(), mail, "wrong-reaction")
    assert counts(flipped).successes == counts(flipped).n  # scores change places as well


def test_scores_change_nothing_where_reactions_follow_from_classes() -> None:
    unfit = ScaledAnswers().unfit(wired_mail())
    assert unfit is not None
    assert unfit.proven
    assert ScaledAnswers().unfit(wired_mail(adapter=react_by_certainty)) is None


def rewritten_by(rewrite: Any, mail: Application, granted: Power = INTERCEPTOR) -> AttackResult:
    secret = SessionSecret(key=b"key", data=mail.data.holdout)
    dealt = Deal(record_traffic(mail, secret, None), secret)
    return GAME.mark(
        Marking(
            app=mail,
            task=WRONG,
            deal=dealt,
            answers=[Checkpoint(rewrite, Cost(), np.zeros(1, dtype=np.int64))],
            granted=granted,
            rng=np.random.default_rng(0),
        )
    )


def test_a_tag_cannot_be_left_out_and_answers_must_stay_answers() -> None:
    mail = wired_mail(channel="signed")
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


def test_reactions_that_change_by_themselves_are_the_baseline() -> None:
    """A target that answers ten inputs otherwise every other time: so much is no attack."""
    mail = wired_mail()
    x, y = mail.data.holdout.x, mail.data.holdout.y

    class Wavering(BareTarget):
        offers = View.LABELS
        asked = 0

        def answer(self, x: Inputs, view: View) -> Answers:
            self.asked += 1
            labels = y.copy()
            labels[:10] = (labels[:10] + self.asked) % 2  # right when the session is sent
            return Answers(labels)

    found = rewritten_by(lambda sent: sent, replace(mail, target=Wavering()))
    tally = counts(found)
    assert (tally.successes, tally.baseline_successes, tally.n) == (0, 10, len(x))


def test_an_adapter_that_rejects_everything_is_inconclusive() -> None:
    def broken(label: str, scores: Mapping[str, float] | None) -> str:
        raise KeyError(label)

    found = result_of(FlippedAnswers(), wired_mail(adapter=broken), "wrong-reaction")
    assert found.status is Status.NOT_TESTED
    assert "rejects every genuine answer" in found.reason


@pytest.mark.parametrize(
    ("wiring", "task", "said", "proven"),
    [
        ({"reactions": {"harmless": "inbox"}}, "wrong-reaction", "class harmful", False),
        ({"channel": ""}, "wrong-reaction", "does not say how answers reach", False),
        ({"channel": "in-process"}, "denied-in-transit", "do not leave the program", True),
        (
            {"reactions": {"harmless": "log", "harmful": "log"}},
            "wrong-reaction",
            "in the same way",
            True,
        ),
    ],
)
def test_what_cannot_be_run_says_why(
    wiring: dict[str, Any], task: str, said: str, *, proven: bool
) -> None:
    mail = wired_mail(**wiring)
    unfit = GAME.unfit(mail, task_of(FlippedAnswers, mail, task))
    assert unfit is not None
    assert said in unfit.reason
    assert unfit.proven is proven


def test_a_log_that_stops_without_an_answer_can_be_denied() -> None:
    same = wired_mail(reactions={"harmless": "log", "harmful": "log"})
    assert GAME.unfit(same, task_of(FlippedAnswers, same, "denied-in-transit")) is None
    assert counts(result_of(DroppedAnswers(), same, "denied-in-transit")).successes > 0
