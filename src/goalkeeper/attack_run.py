"""Execute one attack run: deal, let it answer through `Access`, mark, and control the setting."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic_core import PydanticSerializationError

from goalkeeper.attacks import name_of
from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.deadline import NEVER, check_time, format_duration, time_limit
from goalkeeper.core.errors import BudgetSpent, NotApplicable, NotGranted, NotOffered, TimeIsUp
from goalkeeper.core.evidence import AttackResult, Control, Status
from goalkeeper.core.power import Power
from goalkeeper.core.readonly import private_copy
from goalkeeper.core.usercode import name_error, passes, trace
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.tallies import NULL, beats_baseline, bounds, perfect_tally
from goalkeeper.training.kept import KeptTrainings

AnyAttack = Attack[Any, Any]
AnyGame = Game[Any, Any, Any]
ATTACK_SHARE = 0.5  # of the time that is left when an attack starts; the rest marks and controls
NOT_YET = ", when what it had found did not beat the baseline"
UNCONTROLLED = ", before its positive control was done"
TOO_LITTLE = (
    "too little data is inconclusive: with this few trials even a perfect attack would not differ "
    "significantly from the no-model baseline; provide more data"
)


def stream(seed: int, *key: str) -> np.random.SeedSequence:
    """Return the random stream of this name: streams of other names are independent of it."""
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype=np.uint32)
    return np.random.SeedSequence(seed, spawn_key=tuple(int(w) for w in words))


@dataclass(frozen=True, eq=False, kw_only=True)
class AttackRun:
    """Everything that determines the result of one attack run.

    `needs` are the powers of which one must be granted; where none is named, whatever `Access`
    refuses is refused. `attacker` is what the game's baseline may use beside what is granted; None:
    no more than that.
    """

    attack: AnyAttack
    game: AnyGame
    task: Task
    granted: Power
    seed: int
    needs: tuple[Power, ...] = ()
    attacker: Power | None = None

    def rng(self, who: str) -> np.random.SeedSequence:
        """Return the stream of the game, the attack, the victim, the control or reference models.

        Only the attack's depends on the attack, so that every attack is asked the same question,
        is compared with the same clean retrainings and gets the same reference models. The marks
        are drawn from a stream that no attack's models share.
        """
        key = [who, self.game.family, self.task.name]
        if who == "attack":
            key += [name_of(type(self.attack)), repr(self.granted)]
        return stream(self.seed, *key)


def execute(
    app: Application, run: AttackRun, *, deadline: float = NEVER, expected: float = 0.0
) -> AttackResult:
    """Run, mark and control, and measure the time.

    Parameters
    ----------
    deadline
        The time (seconds since the epoch) at which to hand in what there is. The attack itself gets
        half of what is left when it starts: its control runs it again, on a smaller game, so
        that the rest of the run is expected to take no longer than the attack. One that has handed
        in an answer by then is marked by it; the result is `limited`, and counts as tested only if
        the attack has won. An operation that takes long itself (one training, one answer) is not
        interrupted.
    expected
        Seconds that the whole run is estimated to take, for the reason; 0 where it is not known.
    """
    start, began = time.perf_counter(), time.time()
    try:
        with time_limit(deadline, time.time):
            check_time()
            result = _result(app, run, deadline)
    except TimeIsUp:
        result = _unfinished(", before its answer was marked")
    if result.limited and result.status is Status.NOT_TESTED:
        result = _explained(result, expected, deadline - began)
    return _storable(result).model_copy(update={"took": time.perf_counter() - start})


def _storable(result: AttackResult) -> AttackResult:
    """Write half characters as escapes: texts of the data may have them, and no file can."""
    try:
        result.model_dump_json()
    except PydanticSerializationError:
        return AttackResult.model_validate(_escape_halves(result.model_dump(by_alias=True)))
    return result


def _escape_halves(value: Any) -> Any:
    if isinstance(value, dict):
        return {_escape_halves(k): _escape_halves(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_escape_halves(v) for v in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _unfinished(where: str) -> AttackResult:
    return AttackResult(status=Status.NOT_TESTED, reason=where, limited=True)


def _explained(result: AttackResult, expected: float, given: float) -> AttackResult:
    """Say of a result that the time limit left open how long the run had, and what it needs."""
    spent = f"after {format_duration(given)}" if given > 0 else "before it began"
    needs = f"about {format_duration(expected)}" if expected > given else "more time than that"
    reason = f"stopped by the time limit ({spent}{result.reason}); what it would take: {needs}"
    return result.model_copy(update={"reason": reason})


def _result(app: Application, run: AttackRun, deadline: float) -> AttackResult:
    """Play, and mark. An attack that did not win must also break a weakened application.

    With so little data that not even a perfect attack could win, nothing was tested, unless the
    counts themselves rule a success out (the baseline is as good as the attack can be).
    A success proves itself. A failure proves something only if the same attack wins against a
    deliberately weak version of the same application; otherwise its status is `control_failed`.
    Where the attack has shown on the application itself that it works, this is not needed.
    What the application turns out not to offer is not tested: the attack did not fail. Whatever
    else the attack raises, and a `sys.exit()` of the user's own code, is caught here, and
    only here.
    """
    try:
        result = evaluate(app, run, deadline=deadline)
        if result.limited and not _won(result):
            return result.model_copy(
                update={"status": Status.NOT_TESTED, "reason": result.reason or NOT_YET}
            )
        if result.status is Status.TESTED and not _winnable(result):
            return result if _settled(result) else _inconclusive(result)
        if result.status is Status.TESTED and not (_won(result) or _proven(result)):
            try:
                control = _control(app, run)
            except TimeIsUp:
                return result.model_copy(
                    update={"status": Status.NOT_TESTED, "reason": UNCONTROLLED, "limited": True}
                )
            status = Status.TESTED if control.passed else Status.CONTROL_FAILED
            controls = (*result.controls, control)
            reason = "" if control.passed else control.detail
            result = result.model_copy(
                update={"status": status, "controls": controls, "reason": reason}
            )
    except NotOffered as error:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason=f"the application does not offer what the attack needs: {error}",
        )
    except BaseException as error:
        interrupted = isinstance(error, TimeIsUp | KeyboardInterrupt)
        if interrupted and passes(error):
            raise
        return AttackResult(
            status=Status.FAILED_TO_RUN, reason=name_error(error), traceback=trace(error)
        )
    return result


def evaluate(
    app: Application,
    run: AttackRun,
    trainings: KeptTrainings | None = None,
    *,
    deadline: float = NEVER,
) -> AttackResult:
    """Deal, let the attack answer, and mark; no control, and errors pass through.

    An attack that finds that what it is made for is absent is "not applicable", and not marked. One
    whose budget or time is over is marked by its last answer; without any, a budget that is too
    small is an error, and time that is over leaves it not tested. `trainings` are those of the
    application, unless it is a version of another one.

    Raises
    ------
    NotGranted
        The granted power is not enough for the attack.
    """
    _suffices(run)
    dealt = run.game.deal(app, run.task, np.random.default_rng(run.rng("game")))
    access = Access(app, _terms(run, dealt, trainings or app.once(KeptTrainings)))
    caveats: tuple[str, ...] = ()
    limited = False
    try:
        with time_limit(_attack_until(deadline), time.time):
            access.checkpoint(run.attack.run(private_copy(dealt.question), access))
    except NotApplicable as absent:
        reason = f"not applicable here: {absent}"
        return AttackResult(status=Status.NOT_APPLICABLE, reason=reason, cost=access.spent)
    except BudgetSpent as spent:
        if not access.checkpoints:
            raise
        caveats = (f"stopped by its budget; marked by its last answer ({spent})",)
    except TimeIsUp:
        if not access.checkpoints:
            return _unfinished(", before it had an answer").model_copy(
                update={"cost": access.spent}
            )
        caveats, limited = ("stopped by the time limit; marked by its last answer",), True
    cost = access.spent
    result = run.game.mark(
        Marking(
            app=app,
            task=run.task,
            deal=dealt,
            answers=access.checkpoints,
            granted=run.granted,
            attacker=run.attacker or run.granted,
            rng=np.random.default_rng(run.rng("mark")),
            victim=run.rng("victim"),
            clock=time.perf_counter,
        )
    )
    return result.model_copy(
        update={"cost": cost, "caveats": caveats + result.caveats, "limited": limited}
    )


def _terms(run: AttackRun, dealt: Deal[Any, Any], trainings: KeptTrainings) -> Terms:
    return Terms(
        granted=run.granted,
        rng=np.random.default_rng(run.rng("attack")),
        victim=run.rng("reach"),
        campaigns=dealt.campaigns,
        withheld=dealt.withheld,
        victims=dealt.victims,
        reference=run.rng("reference"),
        trainings=trainings,
        part_of=dealt.part_of,
        clock=time.perf_counter,
    )


def _attack_until(deadline: float) -> float:
    """Return when an attack that starts now has to hand in."""
    return deadline if deadline == NEVER else time.time() + ATTACK_SHARE * (deadline - time.time())


def _suffices(run: AttackRun) -> None:
    gaps = [run.granted.lacks(need) for need in run.needs]
    if gaps and all(gaps):
        fewest: tuple[str, ...] = min(gaps, key=len)
        raise NotGranted(f"{name_of(type(run.attack))} needs {', '.join(fewest)}")


def _won(result: AttackResult) -> bool:
    return any(beats_baseline(trial.tally) for trial in result.trials)


def _proven(result: AttackResult) -> bool:
    return any(control.proves and control.passed for control in result.controls)


def _winnable(result: AttackResult) -> bool:
    """Return whether a perfect attack would differ significantly from the baseline."""
    return any(beats_baseline(perfect_tally(trial.tally)) for trial in result.trials)


def _settled(result: AttackResult) -> bool:
    """Tell whether the counts rule out that the attack beats its baseline."""
    return all(bounds(t.tally, 0.05).high <= NULL[t.tally.kind] for t in result.trials)


def _inconclusive(result: AttackResult) -> AttackResult:
    return result.model_copy(update={"status": Status.NOT_TESTED, "reason": TOO_LITTLE})


def _control(app: Application, run: AttackRun) -> Control:
    """Play the same attack against a weakened version of the same application.

    Raises
    ------
    TimeIsUp
        The time was over before the attack had won: that shows nothing of its setting.
    """
    name = "breaks a weakened version of this application"
    game = run.game.smaller()
    weak = game.weakened(app, run.task, np.random.default_rng(run.rng("control")))
    result = evaluate(weak, replace(run, game=game), app.once(KeptTrainings))
    if _won(result):
        return Control(name=name, passed=True, detail=result.summary)
    if result.limited:
        raise TimeIsUp
    return Control(
        name=name,
        passed=False,
        detail="the attack did not even break a deliberately weakened version of this "
        f"application, so its low success proves nothing ({result.summary})",
    )
