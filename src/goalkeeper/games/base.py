"""What a game is: it owns the question, the hidden truth and the marks for the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application, Target
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools
from goalkeeper.core.evidence import AttackResult, Measurement
from goalkeeper.core.goals import Harm
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.reference import LargerQuestion
from goalkeeper.core.standing import DECIDES, Standing

__all__ = [
    "Answer",
    "Deal",
    "Game",
    "Marking",
    "Question",
    "Task",
    "Unfit",
]

Question = TypeVar("Question")
Secret = TypeVar("Secret")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing a game can ask: what is aimed at, and what a success would harm.

    Parameters
    ----------
    name
        Short name in kebab case, e.g. `harmful-passes`.
    harms
        What a measured success counts for, the primary harm first.
    metric
        The rating metric of the policy, e.g. `success_rate`.
    sentence
        What the attacker wants, as a sentence for the user.
    about
        The class, column or person the task is about, if it is about one.
    writes
        Whose inputs must be changed: `own` for those that the attacker sends, `others` for those
        of other people; empty where no input is changed.
    """

    name: str
    harms: tuple[Harm, ...]
    metric: str
    sentence: str
    about: str = ""
    writes: Literal["own", "others", ""] = ""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a game or an attack cannot run on an application.

    `proven`: the harm itself is ruled out by a checked precondition (the evidence is then "not
    applicable", exposure none); otherwise it only cannot be tested here ("not tested").
    `measured`: what was measured to rule it out, where this says that nothing is to be had.
    """

    reason: str
    proven: bool = False
    measured: tuple[Measurement, ...] = ()


@dataclass(frozen=True, eq=False, slots=True)
class Deal(Generic[Question, Secret]):
    """A question, and the truth that only the game keeps.

    `campaigns` is the number of campaigns the attacker's budget is given for; `withheld` marks
    training rows `(rows,)` that the attack must not see because they are the secret; `victims`
    are targets that the game made, one a campaign, to be asked in place of the application's.
    `part_of` is the question of which this one is a part, where it is one: reference models are
    those of that question.
    """

    question: Question
    secret: Secret
    campaigns: int = 1
    withheld: Bools | None = None
    victims: tuple[Target, ...] = ()
    part_of: LargerQuestion | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Marking(Generic[Question, Secret, Answer]):
    """Everything a game needs to mark: the deal, the answers over time, and its own randomness.

    `granted` is what the attack was given; `attacker` is what the attacker has beside that, as far
    as the game's `Game.baseline_power` says that the baseline depends on it (else what was
    granted). `clock` gives seconds since some start; only the runner reads time.
    """

    app: Application
    task: Task
    deal: Deal[Question, Secret]
    answers: Sequence[Checkpoint]
    granted: Power
    rng: np.random.Generator
    attacker: Power = field(default_factory=Power)
    victim: np.random.SeedSequence = field(default_factory=np.random.SeedSequence)
    clock: Callable[[], float] = float

    @property
    def final(self) -> Checkpoint:
        """The last answer."""
        return self.answers[-1]


@dataclass(frozen=True, kw_only=True)
class Game(ABC, Generic[Question, Secret, Answer]):
    """An attack family, or a part of one, as a game.

    Subclasses are final; sample sizes are their fields.

    Class attributes
    ----------------
    name
        Its name, which is that of its package.
    family
        The attack family of the taxonomy that it belongs to; its name where none is given. It
        names the random streams, so games of one family must not share the name of a task.
    domains
        Kinds of input it covers.
    grows
        Sample sizes that grow with the effort of a run, and the least of each.
    looks_ahead
        Whether a first look with smaller samples takes less time than the whole run. Where what the
        attack does costs all the time and marking it costs none, it does not: the attack would be
        made twice.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    grows: ClassVar[Mapping[str, int]] = {}
    looks_ahead: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Let a game that is a whole family carry the family's name."""
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "name") and not hasattr(cls, "family"):
            cls.family = cls.name

    @abstractmethod
    def tasks(self, app: Application) -> tuple[Task, ...]:
        """List what can be asked of this application, whether or not it fits."""

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Return why this game cannot run on the application; None when it can."""
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Return what a run of this attacker may count for; by default it may decide a verdict.

        It must not depend on any result.
        """
        return DECIDES

    def filled(self, app: Application) -> Self:
        """Return the game with no sample larger than the data has; by default as it is.

        Two sizes that are the same then are one: a second look would see the first one again.
        """
        return self

    def baseline_power(self, attacker: Power) -> Power | None:
        """Return the part of an attacker's power that the baseline of the marks depends on.

        A baseline is the best that this attacker reaches without the model, with everything that
        it knows, whatever part of that the attack uses. Attackers who differ in this part get runs
        of their own. None: the baseline depends on no more than what the attack was granted.
        """
        return None

    @abstractmethod
    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[Question, Secret]:
        """Draw a question for the attack, and the truth only the game keeps."""

    @abstractmethod
    def mark(self, marking: Marking[Question, Secret, Answer]) -> AttackResult:
        """Measure the answers; attacks never report their own success."""

    @abstractmethod
    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Return a deliberately weak version of the user's application: the positive control."""

    def smaller(self) -> Game[Question, Secret, Answer]:
        """Return the same game with smaller samples, for the positive control."""
        return self

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return what one attack run will cost (seconds are filled in by the planner)."""
        return Estimate()


Part = TypeVar("Part", bound="Grows")


class Grows(Protocol):
    """A game or an attack: a dataclass that says which of its fields grow with the effort."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    grows: ClassVar[Mapping[str, int]]


def resize(part: Part, effort: float) -> Part:
    """Return a game or an attack with its sample sizes times `effort`, as even numbers."""
    if effort == 1:
        return part
    grown = {
        name: max(least, 2 * round(getattr(part, name) * effort / 2))
        for name, least in part.grows.items()
    }
    return replace(part, **grown)
