"""The output game: make the surrounding system react wrongly to what the model says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Power
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.output import marks, worlds
from goalkeeper.games.output.marks import Pool, Session
from goalkeeper.games.output.system import INTERNAL

WRONG, DENIED, CHOSEN = "wrong-reaction", "denied-in-transit", "chosen-inputs"
_OUTPUT = Harm(Goal.INTEGRITY, level=IntegrityLevel.OUTPUT)
_AVAILABLE = Harm(Goal.AVAILABILITY)


@final
@dataclass(frozen=True, kw_only=True)
class Output(Game[Any, Any, Any]):
    """Question: answers in transit, or inputs to choose from. Answer: a rewrite, or a choice.

    The game sends genuine answers through the described channel, the attack's rewrite and the
    described reactions (or the user's own adapter). A reaction is wrong when it differs from the
    one without tampering; only inputs that were answered rightly count, and the same inputs
    without tampering are the baseline. What the channel or the adapter rejects is noticed. To
    deny a harmless input its reaction is a success even if it is noticed.

    Parameters
    ----------
    inputs
        Inputs whose answers are sent, at most.
    slots
        Attempts to choose an input that triggers a wrong reaction.
    size
        Inputs at hand in each attempt, at most.
    """

    name: ClassVar[str] = "output"
    grows: ClassVar[Mapping[str, int]] = {"inputs": 150, "slots": 20}

    inputs: int = 400
    slots: int = 40
    size: int = 20

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Trigger wrong reactions in transit or by choice; deny harmless inputs their reaction."""
        wrong = Task(
            name=WRONG,
            harms=(_OUTPUT,),
            metric=marks.METRIC,
            sentence="rewrite answers in transit so that the surrounding system reacts wrongly "
            "and does not notice",
        )
        chosen = Task(
            name=CHOSEN,
            harms=(_OUTPUT,) if app.harmless is None else (_OUTPUT, _AVAILABLE),
            metric=marks.METRIC,
            sentence="find ordinary inputs to which the surrounding system reacts wrongly",
        )
        if app.harmless is None:
            return wrong, chosen
        denied = Task(
            name=DENIED,
            harms=(_AVAILABLE,),
            metric=marks.METRIC,
            sentence=f"tamper in transit so that {app.classes[app.harmless]} inputs do not get "
            "their reaction",
            about=app.classes[app.harmless],
        )
        return wrong, denied, chosen

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need reactions that differ, and a channel, or inputs enough to choose from."""
        return _unreacting(app, task) or (
            _too_few(_pool(app), self.slots) if task.name == CHOSEN else _unreached(app)
        )

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Any, Any]:
        """Record an earlier session for the attacker, or lay out inputs to choose from."""
        if task.name == CHOSEN:
            data = _pool(app)
            size = min(self.size, len(data) // self.slots)
            picked = data.take(rng.permutation(len(data))[: self.slots * size])
            return Dealt(Pool(x=picked.x, y=picked.y, slots=self.slots, size=size), None)
        holdout = app.data.holdout
        rows = rng.permutation(len(holdout))[: self.inputs]
        session = Session(key=rng.bytes(16), data=holdout.take(rows))
        harmless = app.harmless if task.name == DENIED else None
        return Dealt(marks.traffic(app, task, session, harmless), session)

    def mark(self, marking: Marking[Any, Any, Any]) -> AttackResult:
        """Let the surrounding system react to what the attack made of it."""
        app, dealt = marking.app, marking.dealt
        if marking.task.name == CHOSEN:
            return marks.chosen(app, dealt.question, marking.answers)
        rewrite = marking.final.answer
        return marks.tampered(app, dealt.question, dealt.secret, rewrite, marking.granted)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the system believe whatever arrives; or let the model err."""
        if task.name == CHOSEN:
            return worlds.careless(app, rng)
        return worlds.believing(app)

    def smaller(self) -> Output:
        """Send fewer answers, and choose less often."""
        return replace(self, inputs=min(self.inputs, 150), slots=min(self.slots, 20))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say how many answers are asked for."""
        if task.name == CHOSEN:
            return Estimate(queries=min(granted.budget.queries, self.slots * self.size))
        return Estimate()


def _pool(app: Application) -> Data:
    """Return the inputs to choose from: the harmless ones, where there are any."""
    holdout = app.data.holdout
    if app.harmless is None:
        return holdout
    return holdout.take(np.flatnonzero(holdout.y == app.harmless))


def _unreacting(app: Application, task: Task) -> Unfit | None:
    """Say that reactions are not described, or that no answer could change them."""
    wiring = app.wiring
    if wiring.adapter is not None:
        return None
    unsaid = [name for name in app.classes if name not in wiring.reactions]
    if unsaid:
        return Unfit(
            "the description does not say what the surrounding system does with an answer of "
            f"class {unsaid[0]}; add it to wiring, or name a system.adapter"
        )
    possible = set(wiring.reactions.values())
    if task.name == DENIED:
        possible.add(wiring.missing)  # otherwise it is one of the reactions, or noticed
    if len(possible) == 1:
        return Unfit("the surrounding system reacts alike to every answer", proven=True)
    return None


def _unreached(app: Application) -> Unfit | None:
    """Say that no answer is in transit, or that nothing is known of it."""
    if not app.wiring.channel:
        return Unfit(
            "the description does not say how answers reach the surrounding system; describe it "
            "(system.channel: none, signed, replay-protected or in-process)"
        )
    if app.wiring.channel == INTERNAL:
        return Unfit(
            "the description states that answers do not leave the program that runs the model",
            proven=True,
        )
    return None


def _too_few(data: Data, slots: int) -> Unfit | None:
    if len(data) >= 2 * slots:
        return None
    return Unfit(
        f"inconclusive: only {len(data)} inputs to choose from, fewer than {2 * slots}; "
        "give more holdout data"
    )
