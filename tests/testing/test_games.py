"""Every check of games fails on its culprit; a small game of somebody else passes them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar, final

import numpy as np
import pytest

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.evidence import Accuracy, AttackResult, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power
from goalkeeper.games import catalogue
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.testing import ContractError, check_game, game_checks, games
from goalkeeper.testing.arena import AGame
from goalkeeper.testing.worlds import extraction

TASK = Task(
    name="coins",
    harms=(Harm(Goal.PRIVACY),),
    metric="distinguishing_accuracy",
    sentence="Guess which of some inputs the game had drawn twice.",
)


@dataclass(frozen=True, kw_only=True)
class Base(Game[Ints, Bools, Bools]):
    """Question: rows of the holdout data. Answer: a guess for each."""

    name: ClassVar[str] = "coins"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    size: int = 40

    def tasks(self, app: Application) -> tuple[Task, ...]:
        return (TASK,)

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Ints, Bools]:
        return Deal(rng.permutation(self.size), rng.random(self.size) < 0.5)

    def mark(self, marking: Marking[Ints, Bools, Bools]) -> AttackResult:
        right = int((marking.final.answer == marking.deal.secret).sum())
        tally = Accuracy(correct=right, n=self.size)
        return AttackResult(
            status=Status.TESTED,
            summary=f"{right} are right",
            trials=(Trial(budget=0, queries=0, compute_h=0, tally=tally),),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        return replace(app, name="weak")


@final
@dataclass(frozen=True, kw_only=True)
class Coins(Base):
    """An honest game."""


class Unfinished(Base):
    """No dataclass of its own, and not final."""


@final
@dataclass(frozen=True, kw_only=True)
class Nameless(Base):
    """Have no name."""

    name: ClassVar[str] = ""


@final
@dataclass(frozen=True, kw_only=True)
class Silent(Base):
    pass


@final
@dataclass(frozen=True, kw_only=True)
class Demanding(Base):
    """Have a size without a default."""

    other: int


@final
@dataclass(frozen=True, kw_only=True)
class Nowhere(Base):
    """Have no kind of input."""

    domains: ClassVar[frozenset[str]] = frozenset()


@final
@dataclass(frozen=True, kw_only=True)
class Growing(Base):
    """Let something grow that is no size."""

    grows: ClassVar[Mapping[str, int]] = {"models": 1}


@final
@dataclass(frozen=True, kw_only=True)
class Inflated(Base):
    """Be larger when it should be smaller."""

    def smaller(self) -> Inflated:
        return replace(self, size=80)


@final
@dataclass(frozen=True, kw_only=True)
class Swapped(Base):
    """Be another game when it should be smaller."""

    def smaller(self) -> Game[Ints, Bools, Bools]:
        return Coins()


def asking(*tasks: Task) -> AGame:
    @final
    @dataclass(frozen=True, kw_only=True)
    class Asking(Base):
        """Ask for something else."""

        def tasks(self, app: Application) -> tuple[Task, ...]:
            return tasks

    return Asking


def dealing(change: Any) -> AGame:
    @final
    @dataclass(frozen=True, kw_only=True)
    class Dealing(Base):
        """Deal something else."""

        def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Ints, Bools]:
            return change(super().deal(app, task, rng))  # type: ignore[no-any-return]

    return Dealing


def weakening(change: Any) -> AGame:
    @final
    @dataclass(frozen=True, kw_only=True)
    class Weakening(Base):
        """Weaken in another way."""

        def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
            return change(app)  # type: ignore[no-any-return]

    return Weakening


@final
@dataclass(frozen=True, kw_only=True)
class Endless(Base):
    """Estimate what nobody can pay."""

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        return Estimate(queries=float("inf"))


def renamed(app: Application) -> Application:
    """Change the application in place."""
    object.__setattr__(app, "name", "changed")
    return app


def moody(domain: str, rng: np.random.Generator) -> Application:
    return extraction.rigged(domain, np.random.default_rng())


def text_only(domain: str, rng: np.random.Generator) -> Application:
    return extraction.rigged("text", rng)


HONEST: Any = extraction
CULPRITS: list[tuple[Any, Any, str, str]] = [
    (int, HONEST, games.DESCRIBES, "is not a subclass of Game"),
    (Unfinished, HONEST, games.DESCRIBES, "is not a dataclass"),
    (Nameless, HONEST, games.DESCRIBES, "has no name"),
    (Silent, HONEST, games.DESCRIBES, "has no docstring"),
    (Demanding, HONEST, games.DESCRIBES, "sizes without a default: other"),
    (Nowhere, HONEST, games.DESCRIBES, "`domains` is empty"),
    (Growing, HONEST, games.DESCRIBES, "`grows` names models"),
    (Inflated, HONEST, games.SMALLER, "size is 80, usually 40"),
    (Swapped, HONEST, games.SMALLER, "is a Coins"),
    (Coins, SimpleNamespace(rigged=moody, fair=extraction.fair), games.WORLDS, r"rigged\(\) diff"),
    (Coins, SimpleNamespace(rigged=extraction.rigged, fair=moody), games.WORLDS, r"fair\(\) diff"),
    (Coins, SimpleNamespace(rigged=text_only, fair=text_only), games.WORLDS, "is about text"),
    (asking(), HONEST, games.TASKS, "there are none"),
    (asking(TASK, TASK), HONEST, games.TASKS, "2 tasks are called coins"),
    (asking(replace(TASK, metric="luck")), HONEST, games.TASKS, "measured by 'luck'"),
    (asking(replace(TASK, harms=())), HONEST, games.TASKS, "harms nothing"),
    (asking(replace(TASK, sentence="")), HONEST, games.TASKS, "has no sentence"),
    (
        dealing(lambda d: replace(d, question=(d.question, {"hint": d.secret[::2]}))),
        HONEST,
        games.DEALS,
        "holds the secret",
    ),
    (dealing(lambda d: replace(d, campaigns=0)), HONEST, games.DEALS, "deals 0 campaigns"),
    (dealing(lambda d: replace(d, victims=(None, None))), HONEST, games.DEALS, "2 victims for 1"),
    (
        dealing(lambda d: replace(d, withheld=np.zeros(3, dtype=bool))),
        HONEST,
        games.DEALS,
        r"a mask of bool, \(300,\)",
    ),
    (
        dealing(lambda d: replace(d, question=np.random.default_rng().random(5))),
        HONEST,
        games.DEALS,
        "two different questions",
    ),
    (weakening(lambda app: app.target), HONEST, games.WEAKENS, "returned a LinearTarget"),
    (weakening(renamed), HONEST, games.WEAKENS, "the application itself was changed"),
    (weakening(lambda app: replace(app, classes=("x", "y"))), HONEST, games.WEAKENS, "other"),
    (Endless, HONEST, games.ESTIMATES, "inf queries"),
]


@pytest.mark.parametrize(("culprit", "worlds", "promise", "seen"), CULPRITS)
def test_each_check_fails_on_its_culprit(
    culprit: AGame, worlds: Any, promise: str, seen: str
) -> None:
    with pytest.raises(ContractError, match=seen) as caught:
        check_game(culprit, worlds)
    assert caught.value.promise == promise


def test_a_game_of_somebody_else_passes_with_its_worlds() -> None:
    check_game(Coins, HONEST)
    with pytest.raises(LookupError, match="no worlds for the game 'coins'"):
        check_game(Coins)


# ---- marks and the clock, which need an attack -------------------------------------------------


@final
@dataclass(frozen=True, kw_only=True)
class Hurried(Base):
    """Mark by the clock."""

    def mark(self, marking: Marking[Ints, Bools, Bools]) -> AttackResult:
        result = super().mark(marking)
        return result.model_copy(update={"summary": f"after {marking.clock():.0f} s"})


def guessing(of: AGame) -> type[Attack[Any, Any]]:
    @final
    @dataclass(frozen=True, kw_only=True)
    class Guessing(Attack[Ints, Bools]):
        """Guess."""

        game: ClassVar = of
        variant: ClassVar[str] = "membership.threshold"
        reference: ClassVar[str] = "none: a test"

        def run(self, question: Ints, access: Access) -> Bools:
            return np.zeros(len(question), dtype=bool)

    return Guessing


@pytest.mark.parametrize(("game", "differ"), [(Coins, ""), (Hurried, "summary differ")])
def test_marks_must_not_depend_on_the_clock(
    game: AGame, differ: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(games, "catalogue", lambda: {"guessing": guessing(game)})
    if not differ:
        check_game(game, HONEST)
        return
    with pytest.raises(ContractError, match=differ) as caught:
        check_game(game, HONEST)
    assert caught.value.promise == games.CLOCK


def test_marks_of_every_game_and_kind_of_input_are_checked() -> None:
    """Each of our games has an attack for every task."""
    for game in catalogue().values():
        checks = list(game_checks(game))
        dealt = [check for check in checks if check.promise == games.DEALS]
        assert len(dealt) == sum(check.promise == games.CLOCK for check in checks)
