"""Play one attack once: deal, let it answer through `Access`, mark, and control the setting."""

from __future__ import annotations

import hashlib
import time
import traceback
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from goalkeeper.attacks import name_of
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.errors import BudgetSpent, NotGranted
from goalkeeper.core.evidence import Control, Played, Status
from goalkeeper.core.power import Power
from goalkeeper.games.base import Game, Marking, Task
from goalkeeper.games.tallies import NULL, bounds, perfect, won

AnyAttack = Attack[Any, Any]
AnyGame = Game[Any, Any, Any]
TOO_LITTLE = (
    "too little data is inconclusive: with so few trials, and what can be done without the model, "
    "not even a perfect attack could be told from chance; give more data"
)


def stream(seed: int, *key: str) -> np.random.SeedSequence:
    """Return the random stream of this name: streams of other names are independent of it."""
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return np.random.SeedSequence(seed, spawn_key=tuple(int(w) for w in words))


@dataclass(frozen=True, eq=False, kw_only=True)
class Round:
    """Everything that decides what one play of an attack gives.

    `needs` are the powers of which one must be granted; where none is named, whatever `Access`
    refuses is refused.
    """

    attack: AnyAttack
    game: AnyGame
    task: Task
    granted: Power
    seed: int
    needs: tuple[Power, ...] = ()

    def rng(self, who: str) -> np.random.SeedSequence:
        """Return the stream of the game, the attack, the victim or the control.

        The game's and the victim's do not depend on the attack, so that every attack is asked
        the same question and is compared with the same clean retrainings.
        """
        key = [who, self.game.name, self.task.name]
        if who == "attack":
            key += [name_of(type(self.attack)), repr(self.granted)]
        return stream(self.seed, *key)


def play(app: Application, this: Round) -> Played:
    """Play, mark and control, and note how long it took."""
    start = time.perf_counter()
    played = _played(app, this)
    return played.model_copy(update={"took": time.perf_counter() - start})


def _played(app: Application, this: Round) -> Played:
    """Play, and mark. An attack that did not win must also break a weakened application.

    With so little data that not even a perfect attack could win, nothing was tested, unless the
    counts themselves rule a success out (the baseline is as good as the attack can be).
    A success proves itself. A failure proves something only if the same attack wins against a
    deliberately weak version of the same application; otherwise its status is `control_failed`.
    Whatever the attack raises, and a `sys.exit()` of the user's own code, is caught here, and
    only here.
    """
    try:
        played = marked(app, this)
        if played.status is Status.TESTED and not _winnable(played):
            return played if _settled(played) else _inconclusive(played)
        if played.status is Status.TESTED and not _won(played):
            control = _control(app, this)
            status = Status.TESTED if control.passed else Status.CONTROL_FAILED
            controls = (*played.controls, control)
            reason = "" if control.passed else control.detail
            played = played.model_copy(
                update={"status": status, "controls": controls, "reason": reason}
            )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the one place: it must be visible
        return Played(
            status=Status.FAILED_TO_RUN,
            reason=f"{type(error).__name__}: {error}",
            traceback=traceback.format_exc(),
        )
    return played


def marked(app: Application, this: Round) -> Played:
    """Deal, let the attack answer, and mark; no control, and errors pass through.

    Raises
    ------
    NotGranted
        The granted power is not enough for the attack.
    """
    _suffices(this)
    dealt = this.game.deal(app, this.task, np.random.default_rng(this.rng("game")))
    access = Access(
        app,
        Terms(
            granted=this.granted,
            rng=np.random.default_rng(this.rng("attack")),
            victim=this.rng("reach"),
            campaigns=dealt.campaigns,
            withheld=dealt.withheld,
            victims=dealt.victims,
            clock=time.perf_counter,
        ),
    )
    caveats: tuple[str, ...] = ()
    try:
        access.checkpoint(this.attack.play(dealt.question, access))
    except BudgetSpent as spent:
        if not access.checkpoints:
            raise
        caveats = (f"stopped by its budget; marked by its last answer ({spent})",)
    cost = access.spent
    played = this.game.mark(
        Marking(
            app=app,
            task=this.task,
            dealt=dealt,
            answers=tuple(access.checkpoints),
            granted=this.granted,
            rng=np.random.default_rng(this.rng("mark")),
            victim=this.rng("victim"),
            clock=time.perf_counter,
        )
    )
    return played.model_copy(update={"cost": cost, "caveats": caveats + played.caveats})


def _suffices(this: Round) -> None:
    gaps = [this.granted.lacks(need) for need in this.needs]
    if gaps and all(gaps):
        fewest: tuple[str, ...] = min(gaps, key=len)
        raise NotGranted(f"{name_of(type(this.attack))} needs {', '.join(fewest)}")


def _won(played: Played) -> bool:
    return any(won(trial.tally) for trial in played.trials)


def _winnable(played: Played) -> bool:
    """Tell whether a perfect attack could have been told from chance with so many trials."""
    return any(won(perfect(trial.tally)) for trial in played.trials)


def _settled(played: Played) -> bool:
    """Tell whether the counts rule out that the attack beats its baseline."""
    return all(bounds(t.tally, 0.05).high <= NULL[t.tally.kind] for t in played.trials)


def _inconclusive(played: Played) -> Played:
    return played.model_copy(update={"status": Status.NOT_TESTED, "reason": TOO_LITTLE})


def _control(app: Application, this: Round) -> Control:
    """Play the same attack against a weakened version of the same application."""
    name = "breaks a weakened version of this application"
    game = this.game.smaller()
    weak = game.weakened(app, this.task, np.random.default_rng(this.rng("control")))
    played = marked(
        weak,
        replace(this, game=game),
    )
    if _won(played):
        return Control(name=name, passed=True, detail=played.summary)
    return Control(
        name=name,
        passed=False,
        detail="the attack did not even break a deliberately weakened version of this "
        f"application, so its low success proves nothing ({played.summary})",
    )
