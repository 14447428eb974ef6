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
from goalkeeper.core.asking import asks_service
from goalkeeper.core.deadline import NEVER, check_time, format_duration, time_limit
from goalkeeper.core.errors import BudgetSpent, NotApplicable, NotGranted, NotOffered, TimeIsUp
from goalkeeper.core.evidence import AttackResult, Control, Status
from goalkeeper.core.power import Budget, Power
from goalkeeper.core.readonly import private_copy
from goalkeeper.core.usercode import name_error, passes, trace
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.tallies import NULL, beats_baseline, bounds, perfect_tally
from goalkeeper.training.kept import KeptTrainings

AnyAttack = Attack[Any, Any]
AnyGame = Game[Any, Any, Any]
CONTROL = "breaks a weakened version of this application"
# Times what is granted that an attack gets for its control, where that is too little to win there,
# and the most it then gets; a plain model has been copied, and a plain victim poisoned, by then.
LARGER = (8, 64, 512)
MOST_QUERIES, MOST_SHARE = 20_000, 0.2
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
        result = _explained(result, expected, min(time.time(), deadline) - began)
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
    """Say of a result that the time limit left open how long it ran, and what it needs."""
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
    There it may get more than it is granted: a small budget is a defence, no fault of the attack.
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
                control, caveats = _control(app, run)
            except TimeIsUp:
                return result.model_copy(
                    update={"status": Status.NOT_TESTED, "reason": UNCONTROLLED, "limited": True}
                )
            status = Status.TESTED if control.passed else Status.CONTROL_FAILED
            controls = (*result.controls, control)
            reason = "" if control.passed else control.detail
            result = result.model_copy(
                update={
                    "status": status,
                    "controls": controls,
                    "reason": reason,
                    "caveats": (*result.caveats, *caveats),
                }
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
        return AttackResult(status=Status.NOT_APPLICABLE, reason=str(absent), cost=access.spent)
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


def _control(app: Application, run: AttackRun) -> tuple[Control, tuple[str, ...]]:
    """Play the same attack against a weakened version of the same application.

    Who is granted little (few questions, a small share of the training data, no knowledge of the
    training algorithm) may fail there too, because that limit protects the weakened version as it
    protects the application. Then the attack is given more, until it wins: it works here, and what
    withstands it is the limit.

    Returns
    -------
    control, caveats
        The check, and what it means where the attack won with more than it is granted only.

    Raises
    ------
    TimeIsUp
        The time was over before the attack had won: that shows nothing of its setting.
    """
    game = run.game.smaller()
    weak = game.weakened(app, run.task, np.random.default_rng(run.rng("control")))
    first = None
    for granted in _list_powers(run, weak):
        smaller = replace(run, game=game, granted=granted)
        result = evaluate(weak, smaller, app.once(KeptTrainings))
        if _won(result):
            return _passed(run.granted, granted, result)
        if result.limited:
            raise TimeIsUp
        if granted == run.granted:
            first = result
    detail = (
        "the attack did not even break a deliberately weakened version of this application, so its "
        f"low success proves nothing ({first.summary if first else ''})"
    )
    return Control(name=CONTROL, passed=False, detail=detail), ()


def _list_powers(run: AttackRun, weak: Application) -> list[Power]:
    """List what an attack is given for its control: what is granted, then ever more.

    The last is what the attack can use of the training algorithm, if that is not granted.
    An attack that works with few questions is tried with these first: what it does with less
    than is granted, it does with that. It gets no more questions where the weakened version passes
    them on to a service: somebody pays for these.
    """
    granted, most = run.granted.budget, run.attack.most
    few = min(granted.queries, run.attack.rehearsal)
    steps = [granted] if few == granted.queries else [replace(granted, queries=few), granted]
    for factor in LARGER:
        queries = min(factor * granted.queries, most.queries, MOST_QUERIES)
        more = replace(
            granted,
            queries=granted.queries if asks_service(weak.target) else max(granted.queries, queries),
            share=max(granted.share, min(factor * granted.share, most.share, MOST_SHARE)),
        )
        last = steps[-1]
        if max(more.queries - 1.5 * last.queries, more.share - 1.5 * last.share) > 0:
            steps.append(more)
    powers = [replace(run.granted, budget=budget) for budget in steps]
    known, usable = run.granted.knowledge, run.attack.uses.knowledge.algorithm
    if usable > known.algorithm:
        powers.append(replace(run.granted, knowledge=replace(known, algorithm=usable)))
    return powers


def _passed(granted: Power, needed: Power, won: AttackResult) -> tuple[Control, tuple[str, ...]]:
    """Describe a passed control; where it took more than is granted, say what that means."""
    if not granted.lacks(needed):
        return Control(name=CONTROL, passed=True, detail=won.summary), ()
    if needed.knowledge != granted.knowledge:
        detail = f"only who knows the training algorithm breaks it: {won.summary}"
        caveat = (
            "what withstood is that this attacker does not know the training algorithm: without it "
            "this attack does not break even a deliberately weakened version of the application, "
            "with it it does; who learns it may succeed"
        )
        return Control(name=CONTROL, passed=True, detail=detail), (caveat,)
    limit, more = _name_limits(granted.budget, needed.budget)
    detail = f"with {limit} the attack does not break it, with {more} it does: {won.summary}"
    caveat = (
        f"what withstood is the limit of {limit}: so little does not let this attack break even a "
        f"deliberately weakened version of the application, but {more} do; raise the limit, and "
        "the attack may succeed; another attack that needs less is not ruled out"
    )
    return Control(name=CONTROL, passed=True, detail=detail), (caveat,)


def _name_limits(granted: Budget, needed: Budget) -> tuple[str, str]:
    """Name in words what two budgets differ in."""
    parts = []
    if needed.queries > granted.queries:
        parts.append([_count_queries(b.queries) for b in (granted, needed)])
    if needed.share > granted.share:
        parts.append([f"{100 * b.share:.3g} % of the training data" for b in (granted, needed)])
    few, many = zip(*parts, strict=True)
    return " and ".join(few), " and ".join(many)


def _count_queries(queries: float) -> str:
    return "1 query" if queries == 1 else f"{queries:,.0f} queries"
