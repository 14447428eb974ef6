"""Mark answers that were tampered with in transit: reactions before and after, what was noticed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.evidence import AttackResult, Measurement, Proportion, Status, Trial
from goalkeeper.core.power import Capability
from goalkeeper.games.base import Marking
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.measuring import measure_rate
from goalkeeper.games.shared.reacting import count_reactions, headline
from goalkeeper.games.shared.system import (
    NONE,
    NUMBERED,
    SIGNED,
    Messages,
    Reactions,
    System,
    ask_target,
)
from goalkeeper.games.shared.wording import percent
from goalkeeper.games.tallies import paired_proportion
from goalkeeper.games.transit.rewrites import Rewrite, check_rewrite
from goalkeeper.games.transit.traffic import InterceptedTraffic, SessionSecret

MarkingTransit = Marking[InterceptedTraffic, SessionSecret, Rewrite]
_CHANNEL = {
    NONE: "answers are not protected on their way",
    SIGNED: "answers are signed on their way",
    NUMBERED: "answers are signed and numbered on their way",
}


@dataclass(frozen=True, eq=False, slots=True)
class _Session:
    """What the system did, `(n,)` each: without tampering, once more without, and with it."""

    before: Reactions
    again: Reactions
    after: Reactions
    changed: Bools
    counted: Bools


def mark(marking: MarkingTransit) -> AttackResult:
    """Send a session through a rewrite and count wrong reactions.

    Raises
    ------
    NotGranted
        The attacker cannot write answers in transit.
    DataError
        The answer is not a rewrite.
    """
    app, rewrite = marking.app, marking.final.answer
    if Capability.O not in marking.granted.capabilities:
        raise NotGranted("a rewrite of answers in transit needs capability O")
    if not callable(rewrite):
        raise DataError("an answer must be a function from answers to answers")
    session = _send(marking, rewrite)
    if not session.counted.any():
        return AttackResult(status=Status.NOT_TESTED, reason=_why_untested(session, app))
    denied = marking.deal.question.harmless is not None
    wrong = (session.after.names != session.before.names) & session.counted
    success = wrong if denied else wrong & ~session.after.noticed
    base = (session.again.names != session.before.names) & session.counted
    tally = paired_proportion(success[session.counted], base[session.counted])
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(app, session, tally, denied=denied),
        measurements=_measured(session, tally, wrong, denied=denied),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally, verified=tally.successes),),
        outcomes=keep_outcomes(app, marking.deal.secret.data.x, success, base, session.counted),
        caveats=_caveats(app),
    )


def _send(marking: MarkingTransit, rewrite: Rewrite) -> _Session:
    app, question, secret = marking.app, marking.deal.question, marking.deal.secret
    system, data, first = System.of(app, secret.key), secret.data, len(question.earlier.labels)
    answers, scored = ask_target(app, data.x)
    sent = system.channel.seal(answers, first, scored=scored)
    again = system.channel.seal(ask_target(app, data.x)[0], first, scored=scored)
    received = check_rewrite(rewrite(sent), len(data))
    before = system.react(sent, first)
    counted = (answers.labels == data.y) & ~before.noticed
    if question.harmless is not None:
        counted &= data.y == question.harmless
    return _Session(
        before=before,
        again=system.react(again, first),
        after=system.react(received, first),
        changed=_changed(sent, received),
        counted=np.asarray(counted, dtype=bool),
    )


def _changed(sent: Messages, received: Messages) -> Bools:
    differs = (sent.labels != received.labels) | ~received.arrives
    if sent.scored and received.scored:
        differs |= (sent.scores != received.scores).any(axis=1)
    return np.asarray(differs, dtype=bool)


# ---- what is shown -----------------------------------------------------------------------------


def _measured(
    session: _Session, tally: Proportion, wrong: Bools, *, denied: bool
) -> tuple[Measurement, ...]:
    counted, touched = session.counted, session.counted & session.changed
    what = (
        "harmless inputs that no longer get their reaction, noticed or not"
        if denied
        else "wrong reactions that nothing noticed, of inputs that were classified correctly"
    )
    found = [headline(tally, f"{what}; baseline: the same answers without tampering")]
    if touched.any():
        false = float(session.again.noticed[counted].mean())
        note = "changed, repeated or withheld answers that the system noticed; baseline: untouched"
        found.append(
            measure_rate("share noticed", session.after.noticed[touched], false, note=note)
        )
    note = "another reaction than without tampering, noticed or not"
    found.append(measure_rate("share of other reactions", wrong[counted], 0.0, note=note))
    return (*found, *count_reactions(session.after.names[counted], session.before.names[counted]))


def _summary(app: Application, session: _Session, tally: Proportion, *, denied: bool) -> str:
    touched = session.counted & session.changed
    noticed = float(session.after.noticed[touched].mean()) if touched.any() else 0.0
    rate = tally.successes / tally.n
    protection = _CHANNEL[app.wiring.channel]
    if denied:
        name = app.classes[app.harmless or 0]
        return (
            f"Of {tally.n} inputs of class {name} that were classified correctly, {percent(rate)} "
            f"no longer get their reaction after tampering in transit ({protection}); "
            f"{percent(app.tolerances.benign_rejection)} are tolerated."
        )
    return (
        f"Of {tally.n} inputs that were classified correctly, {percent(rate)} trigger a wrong "
        f"reaction that nothing notices after tampering in transit ({protection}); "
        f"{percent(noticed)} of the tampering is noticed."
    )


def _caveats(app: Application) -> tuple[str, ...]:
    if app.wiring.channel == NONE:
        return ()
    return (
        "the protection of the channel is taken from the description and simulated; whether it is "
        "really in place was not tested",
    )


def _why_untested(session: _Session, app: Application) -> str:
    if session.before.noticed.all():
        return (
            "inconclusive: the system rejects every genuine answer; check that system.adapter "
            "takes the name of a class and the scores by class"
        )
    return "inconclusive: none of the inputs was classified correctly before"
