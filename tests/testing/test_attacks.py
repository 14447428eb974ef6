"""Every check of attacks fails on its culprit, and on no honest attack."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar, final

import numpy as np
import pytest

from goalkeeper.attacks.base import Attack
from goalkeeper.core.access import Access
from goalkeeper.core.data import Data, Floats, row_keys
from goalkeeper.core.power import Budget, Grade, Knowledge, Power, View
from goalkeeper.games.membership import Membership
from goalkeeper.testing import ContractError, attack_checks, attacks, check_attack, worlds_of
from goalkeeper.testing.arena import AnAttack


@dataclass(frozen=True, kw_only=True)
class Base(Attack[Data, Floats]):
    """Score each record by the score of its class."""

    game: ClassVar = Membership
    variant: ClassVar[str] = "membership.threshold"
    reference: ClassVar[str] = "none: a test"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    most: ClassVar[Budget] = Budget(queries=1)

    def run(self, question: Data, access: Access) -> Floats:
        n = np.arange(len(question))
        return np.asarray(access.query(question.x, n).scores[n, question.y])


@final
@dataclass(frozen=True, kw_only=True)
class Honest(Base):
    """Score each record by the score of its class."""


@final
@dataclass(frozen=True, kw_only=True)
class Peeking(Base):
    """Look a record up in the training data, behind access."""

    def run(self, question: Data, access: Access) -> Floats:
        known = set(row_keys(access._app.data.train.x))
        return np.array([float(key in known) for key in row_keys(question.x)])


@final
@dataclass(frozen=True, kw_only=True)
class Idle(Base):
    """Give every record the same score."""

    def run(self, question: Data, access: Access) -> Floats:
        return np.zeros(len(question))


@final
@dataclass(frozen=True, kw_only=True)
class Moody(Base):
    """Add noise from a stream of its own."""

    def run(self, question: Data, access: Access) -> Floats:
        scores = super().run(question, access)
        return scores + 0.1 * np.random.default_rng().normal(size=len(scores))


@final
@dataclass(frozen=True, kw_only=True)
class Smuggling(Base):
    """Ask the target behind access."""

    def run(self, question: Data, access: Access) -> Floats:
        scores = access._app.target.answer(question.x, View.SCORES).scores
        return np.asarray(scores[np.arange(len(question)), question.y])


@final
@dataclass(frozen=True, kw_only=True)
class Overspending(Base):
    """Raise the limit of the meter, then ask every record twice."""

    def run(self, question: Data, access: Access) -> Floats:
        access._meter.limit = 10
        super().run(question, access)
        return super().run(question, access)


@final
@dataclass(frozen=True, kw_only=True)
class Stumbling(Base):
    """Raise an error."""

    def run(self, question: Data, access: Access) -> Floats:
        raise ZeroDivisionError("nothing to divide")


@dataclass(frozen=True, kw_only=True)
class Open(Base):
    """Not final."""


@final
class Bare(Base):
    """No dataclass of its own."""


@final
@dataclass(frozen=True, kw_only=True)
class Silent(Base):
    pass


@final
@dataclass(frozen=True, kw_only=True)
class Unsourced(Base):
    """Name no paper."""

    reference: ClassVar[str] = ""


@final
@dataclass(frozen=True, kw_only=True)
class Demanding(Base):
    """Have a setting without a default."""

    strength: float


@final
@dataclass(frozen=True, kw_only=True)
class Elsewhere(Base):
    """Work on inputs that the game does not have."""

    domains: ClassVar[frozenset[str]] = frozenset({"sound"})


@final
@dataclass(frozen=True, kw_only=True)
class Growing(Base):
    """Let something grow that is no setting."""

    grows: ClassVar[dict[str, int]] = {"models": 4}


@final
@dataclass(frozen=True, kw_only=True)
class Unlisted(Base):
    """Be of a variant that nobody knows."""

    variant: ClassVar[str] = "membership.thresholt"


@final
@dataclass(frozen=True, kw_only=True)
class Misplaced(Base):
    """Be of a variant of another game."""

    variant: ClassVar[str] = "linkage.link_outputs"


@final
@dataclass(frozen=True, kw_only=True)
class Aimless(Base):
    """Cover no task."""

    tasks: ClassVar[tuple[str, ...]] = ("nothing",)


CULPRITS: list[tuple[Any, str, str]] = [
    (Open, attacks.DESCRIBES, "mark the class with typing.final"),
    (Bare, attacks.DESCRIBES, "is not a dataclass"),
    (Silent, attacks.DESCRIBES, "has no docstring"),
    (Unsourced, attacks.DESCRIBES, "names no source"),
    (Demanding, attacks.DESCRIBES, "settings without a default: strength"),
    (Elsewhere, attacks.DESCRIBES, r"it says \['sound'\]"),
    (Growing, attacks.DESCRIBES, "`grows` names models"),
    (Unlisted, attacks.DESCRIBES, "did you mean|membership.threshold"),
    (Misplaced, attacks.DESCRIBES, "is of the family linkage"),
    (int, attacks.DESCRIBES, "is not a subclass of Attack"),
    (Aimless, attacks.RUNS, "no task of the game membership fits both"),
    (Idle, attacks.RIGGED, "the weakness is there"),
    (Moody, attacks.REPEATS, "draw from access.rng only"),
    (Smuggling, attacks.BUDGET, "access counted 0"),
    (Overspending, attacks.BUDGET, "it spent .* queries of"),
    (Peeking, attacks.FAIR, "it won 4 of 4 fair games"),
    (Stumbling, attacks.RIGGED, "ZeroDivisionError: nothing to divide"),
]


def test_an_honest_attack_passes() -> None:
    check_attack(Honest)


@pytest.mark.parametrize(("culprit", "promise", "seen"), CULPRITS, ids=lambda v: str(v)[-40:])
def test_each_check_fails_on_its_culprit(culprit: AnAttack, promise: str, seen: str) -> None:
    with pytest.raises(ContractError, match=seen) as caught:
        check_attack(culprit)
    assert caught.value.promise == promise


def test_an_attack_that_needs_nothing_is_within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variant of the taxonomy is for nothing, so the needs are taken away here."""
    monkeypatch.setattr(attacks, "alternatives", lambda attack: (Power(),))
    check = next(c for c in attack_checks(Honest) if c.promise == attacks.BEYOND_REACH)
    with pytest.raises(ContractError, match="for nothing"):
        check()


def test_worlds_can_be_handed_in() -> None:
    """With the fair world in both places, nobody wins the rigged game any more."""

    class Unwinnable:
        rigged = fair = staticmethod(worlds_of(Membership).fair)

    with pytest.raises(ContractError, match="the weakness is there") as caught:
        check_attack(Honest, Unwinnable())
    assert caught.value.promise == attacks.RIGGED


def test_a_game_without_worlds_says_what_to_hand_in() -> None:
    elsewhere: Any = SimpleNamespace(name="nowhere")
    with pytest.raises(LookupError, match="pass a rigged and a fair one"):
        worlds_of(elsewhere)


def test_names_of_checks_are_unique_and_name_attack_input_and_task() -> None:
    names = [check.name for check in attack_checks(Honest)]
    assert len(names) == len(set(names)) == 7
    assert names[-1] == "test_attacks-table-membership-refuses-in-the-plan"


def test_small_settings_are_not_those_of_rigged_games() -> None:
    """The attack says which settings it had, by what it scores."""
    seen = []

    @final
    @dataclass(frozen=True, kw_only=True)
    class Sized(Base):
        """Remember the settings."""

        grows: ClassVar[dict[str, int]] = {"models": 10}
        models: int = 64
        steps: int = 100

        def run(self, question: Data, access: Access) -> Floats:
            seen.append((self.models, self.steps))
            return super().run(question, access)

    for check in attack_checks(Sized, small={"steps": 5}):
        before = len(seen)
        check()
        small = check.promise in (attacks.FAIR, attacks.POORER)
        assert set(seen[before:]) <= {(16, 5) if small else (64, 100)}
    assert {(16, 5), (64, 100)} == set(seen)


def test_the_rigged_game_is_run_once_for_all_checks() -> None:
    count = [0]

    @final
    @dataclass(frozen=True, kw_only=True)
    class Counted(Base):
        """Count the runs."""

        def run(self, question: Data, access: Access) -> Floats:
            count[0] += 1
            return super().run(question, access)

    for check in attack_checks(Counted):
        if check.promise in {attacks.RIGGED, attacks.REPEATS}:
            check()
    assert count == [2]


# ---- fair games one after the other -----------------------------------------------------------


class Unsettled(Exception):
    """The games so far do not settle it."""


def rejected(chance: float, games: tuple[bool, ...] = ()) -> float:
    """Probability that an attack is rejected that wins each game with this chance: all courses."""

    def win(game: int) -> bool:
        if game == len(games):
            raise Unsettled
        return games[game]

    try:
        wins, _ = attacks.fair_wins(win)
    except Unsettled:
        won = chance * rejected(chance, (*games, True))
        return won + (1 - chance) * rejected(chance, (*games, False))
    return float(wins >= attacks.TOO_MANY_WINS)


@pytest.mark.parametrize(
    ("chance", "said", "of_twenty"), [(0.025, "0.00124", "0.00137"), (0.3, "0.864", "0.893")]
)
def test_false_alarm_and_power_are_what_the_docstring_says(
    chance: float, said: str, of_twenty: str
) -> None:
    """Worked out by every course of games, and from the binomial laws of 8, 12 and 20 games."""
    from scipy.stats import binom

    first, rest = attacks.FIRST_GAMES, attacks.MOST_GAMES - attacks.FIRST_GAMES
    late = sum(
        binom.pmf(k, first, chance) * binom.sf(attacks.TOO_MANY_WINS - 1 - k, rest, chance)
        for k in range(1, first + 1)
    )
    exact = rejected(chance)
    always = binom.sf(attacks.TOO_MANY_WINS - 1, attacks.MOST_GAMES, chance)
    assert exact == pytest.approx(late, abs=1e-12)
    digits = len(said) - 2
    assert f"{exact:.{digits}f}" == said
    assert f"{always:.{digits}f}" == of_twenty
    assert said in str(attacks.fair_wins.__doc__)
    assert of_twenty in str(attacks.fair_wins.__doc__)


@pytest.mark.parametrize(
    ("won", "expected"),
    [
        ((), (0, 8)),
        ((0, 1, 2, 3), (4, 4)),
        ((0,), (1, 18)),  # with two games left, four wins cannot be reached
        ((0, 9, 10), (3, 20)),
        ((0, 9, 10, 19), (4, 20)),
        ((8, 9, 10, 11), (0, 8)),
    ],
)
def test_fair_games_end_when_it_is_clear(won: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert attacks.fair_wins(lambda game: game in won) == expected


def test_a_need_that_the_plan_does_not_know_of_is_found() -> None:
    """The attack trains shadow models, and does not refuse an application without a recipe."""

    @final
    @dataclass(frozen=True, kw_only=True)
    class Training(Base):
        """Train a model, whether or not there is a recipe."""

        asks: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

        def run(self, question: Data, access: Access) -> Floats:
            access.trainer()
            return super().run(question, access)

    with pytest.raises(ContractError, match="with no recipe, it is planned and then needs"):
        check_attack(Training)
