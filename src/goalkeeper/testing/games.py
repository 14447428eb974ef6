"""What every game owes the framework, as checks that any game can be given to with its worlds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from goalkeeper.attack_run import stream
from goalkeeper.attacks import catalogue
from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Power
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.policy import default_policy
from goalkeeper.testing.arena import AGame, AnAttack, AttackCase, enough, seeded, stable, task_of
from goalkeeper.testing.contract import Breach, Check, run_all
from goalkeeper.testing.worlds import GameWorlds, worlds_of

DESCRIBES = "a game describes itself"
WORLDS = "its rigged and its fair world are applications of this kind of input, the same each time"
TASKS = "its tasks have names of their own, and metrics that the rating knows"
DEALS = "it deals a question without the secret, the same for the same random stream"
WEAKENS = "its weakened version is an application about the same data, and the original stays"
ESTIMATES = "its estimates are finite and not negative"
SMALLER = "its smaller version is the same game and nowhere larger"
CLOCK = "its marks do not depend on the time of day or the speed of the machine"


def check_game(game: AGame, worlds: GameWorlds | None = None) -> None:
    """Check every promise that a game and its worlds make; see `game_checks`.

    Raises
    ------
    ContractError
        A promise is broken; the message names it, says what was seen and what to do.
    """
    run_all(game_checks(game, worlds))


def game_checks(game: AGame, worlds: GameWorlds | None = None) -> Iterator[Check]:
    """Yield a check for each promise, of each kind of input and task.

    Parameters
    ----------
    game
        The class of the game.
    worlds
        Its rigged and fair worlds; None: those that goalkeeper has.
    """
    name = getattr(game, "name", str(game))
    yield Check(f"{name}-describes-itself", DESCRIBES, partial(_describes_itself, game))
    if not _is_game(game):
        return
    yield Check(f"{name}-has-a-smaller-version", SMALLER, partial(_is_smaller, game))
    stage = worlds or worlds_of(game)
    for domain in sorted(game.domains):
        where = f"{name}-{domain}"
        yield Check(f"{where}-has-worlds", WORLDS, partial(_has_worlds, stage, domain))
        yield Check(f"{where}-names-its-tasks", TASKS, partial(_names_tasks, game, stage, domain))
        for task in game().tasks(stage.rigged(domain, seeded(0))):
            setting = _Setting(game, stage, AttackCase(domain, task.name))
            yield from _task_checks(setting, task, f"{where}-{task.name}")


def _task_checks(setting: _Setting, task: Task, where: str) -> Iterator[Check]:
    yield Check(f"{where}-deals-fairly", DEALS, partial(_deals, setting))
    yield Check(f"{where}-weakens", WEAKENS, partial(_weakens, setting))
    yield Check(f"{where}-estimates", ESTIMATES, partial(_estimates, setting))
    attack = _attack_for(setting, task)
    if attack is not None:
        yield Check(f"{where}-marks-without-a-clock", CLOCK, partial(_marks, setting, attack))


@dataclass(frozen=True, eq=False)
class _Setting:
    """A game, its worlds, and one task on one kind of input."""

    game: AGame
    worlds: GameWorlds
    case: AttackCase

    def app(self) -> Application:
        """Build the rigged world."""
        return self.worlds.rigged(self.case.domain, seeded(0))

    def task(self, app: Application) -> Task:
        """Find the task."""
        return task_of(self.game, app, self.case.task)

    def deal(self, app: Application) -> Deal[Any, Any]:
        """Deal with the stream of seed 0."""
        rng = np.random.default_rng(stream(0, "game", self.game.family, self.case.task))
        return self.game().smaller().deal(app, self.task(app), rng)


def _attack_for(setting: _Setting, task: Task) -> AnAttack | None:
    """Find a catalogued attack that answers this task on this kind of input, if there is one."""
    for attack in catalogue().values():
        answers = attack.game is setting.game and attack.covers(task)
        if answers and setting.case.domain in attack.domains:
            return attack
    return None


# ---- of the class --------------------------------------------------------------------------------


def _is_game(game: object) -> bool:
    return isinstance(game, type) and issubclass(game, Game)


def _describes_itself(game: AGame) -> Iterator[Breach]:
    if not _is_game(game):
        yield Breach(f"{game!r} is not a subclass of Game", "inherit goalkeeper.games.base.Game")
        return
    if not getattr(game, "name", ""):
        yield Breach(f"{game.__name__} has no name", "set `name`, as in the taxonomy")
    if not getattr(game, "__final__", False):
        yield Breach(f"{game.__name__} can be overridden", "mark the class with typing.final")
    if "__dataclass_params__" not in vars(game):  # a dataclass of a frozen one is frozen
        yield Breach(f"{game.__name__} is not a dataclass", "mark it with @dataclass(frozen=True)")
        return
    if not game.__doc__ or game.__doc__.startswith(f"{game.__name__}("):
        yield Breach(f"{game.__name__} has no docstring", "say what is asked and what is answered")
    missing = [f.name for f in fields(game) if f.default is f.default_factory is MISSING]
    if missing:
        yield Breach(f"sizes without a default: {', '.join(missing)}", "give each a default")
    if not game.domains:
        yield Breach("`domains` is empty", "name the kinds of input: text, table, image")
    unknown = [size for size in game.grows if size not in game.__dataclass_fields__]
    if unknown:
        yield Breach(f"`grows` names {', '.join(unknown)}", "name sizes of the game only")


def _is_smaller(game: AGame) -> Iterator[Breach]:
    default = game()
    small = default.smaller()
    if type(small) is not game:
        yield Breach(f"smaller() is a {type(small).__name__}", "return the same game")
        return
    for size in (f.name for f in fields(game)):
        before, after = getattr(default, size), getattr(small, size)
        if isinstance(before, int | float) and isinstance(after, int | float) and after > before:
            yield Breach(f"{size} is {after}, usually {before}", f"let {size} be {before} at most")


# ---- of the worlds -------------------------------------------------------------------------------


def _has_worlds(worlds: GameWorlds, domain: str) -> Iterator[Breach]:
    for kind, build in (("rigged", worlds.rigged), ("fair", worlds.fair)):
        app: Any = build(domain, seeded(0))
        again = build(domain, seeded(0))
        if not isinstance(app, Application):
            yield Breach(f"{kind}() returned a {type(app).__name__}", "return an Application")
            continue
        if app.domain.kind != domain:
            yield Breach(f"{kind}({domain!r}) is about {app.domain.kind}", "build what is asked")
        if app.fingerprint != again.fingerprint:
            advice = "draw from the random stream that is handed in, and from no other"
            yield Breach(f"{kind}() differs from itself for the same random stream", advice)


def _names_tasks(game: AGame, worlds: GameWorlds, domain: str) -> Iterator[Breach]:
    app = worlds.rigged(domain, seeded(0))
    tasks = game().tasks(app)
    if not tasks:
        yield Breach("there are none", "list what can be asked, whether or not it fits")
    names = [task.name for task in tasks]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield Breach(f"{names.count(name)} tasks are called {name}", "give each its own name")
    metrics = default_policy().rating.metrics
    for task in tasks:
        if task.metric not in metrics:
            yield Breach(f"{task.name} is measured by {task.metric!r}", f"use one of {[*metrics]}")
        if not task.harms:
            yield Breach(f"{task.name} harms nothing", "say which goal a success would harm")
        if not task.sentence:
            yield Breach(f"{task.name} has no sentence", "say in one what the attacker is after")


# ---- of a task -----------------------------------------------------------------------------------


def _deals(setting: _Setting) -> Iterator[Breach]:
    app = setting.app()
    dealt = setting.deal(app)
    if dealt.secret is not None and _holds(dealt.question, dealt.secret):
        advice = "hand out copies of what is public, and keep the secret apart"
        yield Breach("the question holds the secret, as the same object", advice)
    if dealt.campaigns < 1:
        yield Breach(f"it deals {dealt.campaigns} campaigns", "deal one at least")
    if dealt.victims and len(dealt.victims) != dealt.campaigns:
        finding = f"{len(dealt.victims)} victims for {dealt.campaigns} campaigns"
        yield Breach(finding, "make one victim a campaign, or none")
    if dealt.withheld is not None:
        mask, rows = np.asarray(dealt.withheld), len(app.data.train)
        if mask.shape != (rows,) or mask.dtype != np.bool_:
            finding = f"`withheld` is {mask.dtype} of shape {mask.shape}"
            yield Breach(finding, f"return a mask of bool, ({rows},): one entry a training row")
    if not _same(dealt.question, setting.deal(app).question):
        advice = "draw from the random stream that is handed in, and from no other"
        yield Breach("the same random stream dealt two different questions", advice)


def _weakens(setting: _Setting) -> Iterator[Breach]:
    app = setting.app()
    before, target = replace(app).fingerprint, app.target  # of a copy: it is computed once
    weak: Any = setting.game().weakened(app, setting.task(app), np.random.default_rng(0))
    if not isinstance(weak, Application):
        yield Breach(f"weakened() returned a {type(weak).__name__}", "return an Application")
        return
    if weak.domain != app.domain or weak.classes != app.classes:
        advice = "weaken the model, its training or the system around it"
        yield Breach("the weakened application has other inputs or classes", advice)
    if replace(app).fingerprint != before or app.target is not target:
        advice = "return a changed copy: dataclasses.replace(app, ...)"
        yield Breach("the application itself was changed", advice)
    sizes, weak_sizes = app.data.sizes(), weak.data.sizes()
    if any(not weak_sizes[part] for part in PARTS if sizes[part]):
        yield Breach(f"parts of the data are gone: {weak_sizes}", "keep every part of the data")


def _estimates(setting: _Setting) -> Iterator[Breach]:
    app = setting.app()
    attack = _attack_for(setting, setting.task(app))
    granted = enough(attack) if attack is not None else Power()
    estimate = setting.game().estimate(app, setting.task(app), granted)
    for what, value in (("queries", estimate.queries), ("models", estimate.models)):
        if not (math.isfinite(value) and value >= 0):
            yield Breach(f"{value} {what}", "say about how many one run takes")


def _marks(setting: _Setting, attack: AnAttack) -> Iterator[Breach]:
    app = setting.app()
    task, dealt, granted = setting.task(app), setting.deal(app), enough(attack)
    terms = Terms(
        granted=granted,
        rng=np.random.default_rng(1),
        victim=np.random.SeedSequence(2),
        campaigns=dealt.campaigns,
        withheld=dealt.withheld,
        victims=dealt.victims,
    )
    access = Access(app, terms)
    access.checkpoint(attack().run(dealt.question, access))

    def marked(clock: Callable[[], float]) -> AttackResult:
        marking: Marking[Any, Any, Any] = Marking(
            app=app,
            task=task,
            deal=dealt,
            answers=tuple(access.checkpoints),
            granted=granted,
            attacker=granted,
            rng=np.random.default_rng(3),
            victim=np.random.SeedSequence(4),
            clock=clock,
        )
        return setting.game().smaller().mark(marking)

    ticks = count(1e6, 3600.0)
    first, second = stable(marked(float)), stable(marked(lambda: float(next(ticks))))
    differ = [key for key in first if first[key] != second[key]]
    if differ:
        advice = "let only the clock of the marking measure, and only what is measured in seconds"
        yield Breach(f"with another clock {', '.join(differ)} differ", advice)


# ---- looking into a question ---------------------------------------------------------------------


def _inside(value: Any) -> Iterator[Any]:
    """List what a value holds: fields, entries and elements."""
    if is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, f.name) for f in fields(value))
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        yield from value


def _holds(question: Any, secret: Any) -> bool:
    """Tell whether a secret stands in a question as the same object or the same memory."""
    waiting, seen = [question], set[int]()
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        arrays = isinstance(value, np.ndarray) and isinstance(secret, np.ndarray)
        if value is secret or (arrays and np.shares_memory(value, secret)):
            return True
        waiting += _inside(value)
    return False


def _same(one: Any, other: Any) -> bool:
    """Tell whether two questions say the same, as far as they are made of plain parts."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        numbers = one.dtype.kind == "f"
        return one.shape == other.shape and np.array_equal(one, other, equal_nan=numbers)
    if isinstance(one, str | bytes | int | float | bool | None):
        return bool(one == other or one != one)
    parts, others = list(_inside(one)), list(_inside(other))
    return len(parts) == len(others) and all(map(_same, parts, others))
