"""Mark what reaches the surrounding system: reactions before and after, and what was noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Data, Inputs, Ints
from goalkeeper.core.errors import DataError, NotGranted
from goalkeeper.core.evidence import AttackResult, Curve, Measurement, Proportion, Status, Trial
from goalkeeper.core.power import Capability, Power
from goalkeeper.games.base import Task
from goalkeeper.games.output.system import (
    FRESH,
    NONE,
    SIGNED,
    Messages,
    Reactions,
    System,
    answered,
    checked,
)
from goalkeeper.games.shared.measuring import measure_rate, thinned_checkpoints
from goalkeeper.games.tallies import shown

METRIC = "success_rate"
_CHANNEL = {
    NONE: "answers are not protected on their way",
    SIGNED: "answers are signed on their way",
    FRESH: "answers are signed and numbered on their way",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Traffic:
    """The question in transit: what the attacker in the middle knows and has recorded.

    Parameters
    ----------
    classes, reactions
        Names of the classes, and the reaction to each as far as it is described.
    harmless
        The class whose reaction is to be denied; None: any wrong reaction will do.
    earlier
        Messages of an earlier session, as they were sent.
    """

    classes: tuple[str, ...]
    reactions: tuple[str, ...]
    harmless: int | None
    earlier: Messages

    def differing(self, label: int) -> Ints:
        """List the classes whose reaction differs from that of a class."""
        own = self.reactions[label]
        return np.array([i for i, name in enumerate(self.reactions) if name != own], dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class Session:
    """The secret in transit: the key of the channel, and the inputs to be answered."""

    key: bytes
    data: Data


def traffic(app: Application, task: Task, session: Session, harmless: int | None) -> Traffic:
    """Record an earlier session, on calibration inputs, and say what is known."""
    system = System.of(app, session.key)
    answers, scored = answered(app, app.data.calibration.x)
    return Traffic(
        classes=app.classes,
        reactions=tuple(system.reaction(i, None) or "" for i in range(len(app.classes)))
        if app.wiring.adapter is None
        else app.classes,
        harmless=harmless,
        earlier=system.channel.sealed(answers, 0, scored=scored),
    )


@dataclass(frozen=True, eq=False, slots=True)
class Seen:
    """What the system did, `(n,)` each: without tampering, once more without, and with it."""

    before: Reactions
    again: Reactions
    after: Reactions
    changed: Bools
    counted: Bools


def tampered(
    app: Application, question: Traffic, session: Session, rewrite: Any, granted: Power
) -> AttackResult:
    """Send a session through a rewrite and count wrong reactions.

    Raises
    ------
    NotGranted
        The attacker cannot write answers in transit.
    DataError
        The answer is not a rewrite.
    """
    if Capability.O not in granted.capabilities:
        raise NotGranted("a rewrite of answers in transit needs capability O")
    if not callable(rewrite):
        raise DataError("an answer must be a function from answers to answers")
    seen = _sent(app, question, session, rewrite)
    if not seen.counted.any():
        return AttackResult(status=Status.NOT_TESTED, reason=_nothing(seen, app))
    denied = question.harmless is not None
    wrong = (seen.after.names != seen.before.names) & seen.counted
    success = wrong if denied else wrong & ~seen.after.noticed
    base = (seen.again.names != seen.before.names) & seen.counted
    n = int(seen.counted.sum())
    tally = Proportion(
        successes=int(success.sum()), n=n, baseline_successes=int(base.sum()), baseline_n=n
    )
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(app, seen, tally, denied=denied),
        measurements=_measured(seen, tally, wrong, denied=denied),
        trials=(Trial(budget=1.0, queries=0.0, tally=tally, verified=tally.successes),),
        caveats=_caveats(app),
    )


def _sent(app: Application, question: Traffic, session: Session, rewrite: Any) -> Seen:
    system, data, first = System.of(app, session.key), session.data, len(question.earlier.labels)
    answers, scored = answered(app, data.x)
    sent = system.channel.sealed(answers, first, scored=scored)
    again = system.channel.sealed(answered(app, data.x)[0], first, scored=scored)
    received = checked(rewrite(sent), len(data))
    before = system.react(sent, first)
    counted = (answers.labels == data.y) & ~before.noticed
    if question.harmless is not None:
        counted &= data.y == question.harmless
    return Seen(
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


# ---- inputs that an attacker chooses -----------------------------------------------------------


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Pool:
    """The question: ordinary inputs `(slots * size, ...)`, and the class `y` each really has.

    They lie in `slots` groups of `size`, one group after the other; one of each is to be sent.
    """

    x: Inputs
    y: Ints
    slots: int
    size: int

    def rows(self, place: int) -> Ints:
        """Rows of the input at a place in every slot, `(slots,)`."""
        return np.arange(self.slots) * self.size + place


def chosen(app: Application, pool: Pool, answers: Sequence[Checkpoint]) -> AttackResult:
    """Send what was chosen, one input a slot, and count wrong reactions."""
    wrong, names = _wrong(app, pool)
    points = thinned_checkpoints(answers)
    picks = [_picked(point.answer, pool) for point in points]
    trials = []
    for point, rows in zip(points, picks, strict=True):
        hits = int(wrong[rows].sum())
        tally = Proportion(
            successes=hits,
            n=pool.slots,
            baseline_successes=int(wrong.sum()),
            baseline_n=len(wrong),
        )
        spent = float(point.queries[0])
        hours = point.cost.seconds / 3600
        trials.append(
            Trial(budget=spent, queries=spent, compute_h=hours, tally=tally, verified=hits)
        )
    last = trials[-1]
    return AttackResult(
        status=Status.TESTED,
        summary=_chosen_summary(app, pool, last, int(wrong.sum())),
        measurements=_chosen_measured(wrong, names, picks[-1], last.tally),
        trials=tuple(trials),
        curve=_curve(trials),
        caveats=(
            f"one input of {pool.size} ordinary ones was chosen in each of {pool.slots} attempts; "
            "with more at hand per attempt an attacker finds a wrong reaction more often",
        ),
    )


def _wrong(app: Application, pool: Pool) -> tuple[Bools, NDArray[Any]]:
    """Tell which inputs get a wrong class and, for that, another reaction than the right one."""
    system = System.of(app, b"inside")
    answers, scored = answered(app, pool.x)
    got = system.react(system.channel.sealed(answers, 0, scored=scored), 0)
    sure = np.eye(len(app.classes))
    right = [system.reaction(i, sure[i] if scored else None) for i in range(len(app.classes))]
    differs = np.array([name != right[y] for name, y in zip(got.names, pool.y, strict=True)])
    return np.asarray(differs & (answers.labels != pool.y), dtype=bool), got.names


def _picked(answer: Any, pool: Pool) -> Ints:
    rows = np.asarray(answer)
    slots = np.arange(pool.slots)
    if (
        rows.shape != (pool.slots,)
        or rows.dtype.kind not in "iu"
        or (rows // pool.size != slots).any()
    ):
        raise DataError(f"an answer must name one row of each of the {pool.slots} slots, in order")
    return rows.astype(np.int64)


# ---- what is shown -----------------------------------------------------------------------------


def _headline(tally: Proportion, note: str) -> Measurement:
    value, low, high = shown(tally)
    return Measurement(
        metric=METRIC,
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=note,
    )


def _measured(
    seen: Seen, tally: Proportion, wrong: Bools, *, denied: bool
) -> tuple[Measurement, ...]:
    counted, touched = seen.counted, seen.counted & seen.changed
    what = (
        "harmless inputs that no longer get their reaction, noticed or not"
        if denied
        else "wrong reactions that nothing noticed, of inputs that were answered rightly"
    )
    found = [_headline(tally, f"{what}; baseline: the same answers without tampering")]
    if touched.any():
        false = float(seen.again.noticed[counted].mean())
        note = "changed, repeated or withheld answers that the system noticed; baseline: untouched"
        found.append(measure_rate("share noticed", seen.after.noticed[touched], false, note=note))
    note = "another reaction than without tampering, noticed or not"
    found.append(measure_rate("share of other reactions", wrong[counted], note=note))
    return (*found, *_by_reaction(seen.after.names[counted], seen.before.names[counted]))


def _by_reaction(after: NDArray[Any], before: NDArray[Any]) -> list[Measurement]:
    """Count where inputs end, and where they would have ended."""
    found = []
    for name in sorted({*after.tolist(), *before.tolist()}):
        base = float((before == name).mean())
        one = measure_rate(
            "share of inputs", after == name, base, note="reaction of the surrounding system"
        )
        found.append(one.model_copy(update={"group": name}))
    return found


def _summary(app: Application, seen: Seen, tally: Proportion, *, denied: bool) -> str:
    touched = seen.counted & seen.changed
    noticed = float(seen.after.noticed[touched].mean()) if touched.any() else 0.0
    rate = tally.successes / tally.n
    protection = _CHANNEL[app.wiring.channel]
    if denied:
        name = app.classes[app.harmless or 0]
        return (
            f"Of {tally.n} inputs of class {name} that were answered rightly, {rate:.1%} no longer "
            f"get their reaction after tampering in transit ({protection}); "
            f"{app.tolerances.benign_rejection:.1%} are tolerated."
        )
    return (
        f"Of {tally.n} inputs that were answered rightly, {rate:.1%} trigger a wrong reaction that "
        f"nothing notices after tampering in transit ({protection}); {noticed:.1%} of the "
        "tampering is noticed."
    )


def _caveats(app: Application) -> tuple[str, ...]:
    if app.wiring.channel == NONE:
        return ()
    return (
        "the protection of the channel is taken from the description and simulated; whether it is "
        "really in place was not tested",
    )


def _nothing(seen: Seen, app: Application) -> str:
    if seen.before.noticed.all():
        return (
            "inconclusive: the system rejects every genuine answer; check that system.adapter "
            "takes the name of a class and the scores by class"
        )
    return "inconclusive: none of the inputs was answered rightly before"


def _chosen_summary(app: Application, pool: Pool, last: Trial, wrong: int) -> str:
    tally = last.tally
    hits = tally.successes if isinstance(tally, Proportion) else 0
    kind = "" if app.harmless is None else f"{app.classes[app.harmless]} "
    return (
        f"After {last.queries:,.0f} queries {hits} of {pool.slots} {kind}inputs, each chosen out "
        f"of {pool.size}, trigger a wrong reaction; {wrong / len(pool.y):.1%} of {kind}inputs do "
        "that without being chosen."
    )


def _chosen_measured(
    wrong: Bools, names: NDArray[Any], rows: Ints, tally: Any
) -> tuple[Measurement, ...]:
    note = "chosen inputs that trigger a wrong reaction; baseline: inputs that nobody chose"
    return (_headline(tally, note), *_by_reaction(names[rows], names))


def _curve(trials: Sequence[Trial]) -> Curve:
    found = [shown(trial.tally) for trial in trials]
    return Curve(
        budget="queries",
        unit="queries",
        x=tuple(trial.budget for trial in trials),
        value=tuple(one.value for one in found),
        low=tuple(one.low for one in found),
        high=tuple(one.high for one in found),
    )
