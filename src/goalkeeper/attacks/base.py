"""What an attack is: one way to answer the question of one game, with nothing but `access`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Generic

from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.power import UNLIMITED, Budget, Power
from goalkeeper.games.base import Answer, Game, Question, Task, Unfit

__all__ = ["Answer", "Attack", "Question", "Task", "Unfit"]


@dataclass(frozen=True, kw_only=True)
class Attack(ABC, Generic[Question, Answer]):
    """One way to attack in one game. Subclasses are final; settings are fields with defaults.

    Class attributes
    ----------------
    game
        Its game.
    variant
        Its variant in the taxonomy, `family.variant`: needs, standards and metric come from there.
    reference
        Paper or source, and the equation or section.
    domains
        Kinds of input it can work on: text, table, image.
    tasks
        Patterns of the names of the game's tasks it covers; empty for all of them. `attribute-*`
        covers `attribute-age`.
    asks
        What it needs beyond its variant; a class may ask for more, never for less.
    uses
        What else it makes use of where the attacker has it, e.g. the target's own recipe.
    most
        The most it can use in one campaign; a larger budget is not granted.
    grows
        Settings that grow with the effort of a run, such as shadow models, and the least of each.
    rehearsal
        Queries with which it is first tried on a weakened application, to see that it works at all:
        fewer than its budget where few do and many take long.
    version
        Increased when the same seed may give another answer than before.
    """

    game: ClassVar[type[Game[Any, Any, Any]]]
    variant: ClassVar[str]
    reference: ClassVar[str]
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table", "image"})
    tasks: ClassVar[tuple[str, ...]] = ()
    asks: ClassVar[Power] = Power()
    uses: ClassVar[Power] = Power()
    most: ClassVar[Budget] = Budget(queries=UNLIMITED, share=1.0, compute_h=UNLIMITED)
    grows: ClassVar[Mapping[str, int]] = {}
    rehearsal: ClassVar[float] = UNLIMITED
    version: ClassVar[int] = 1

    @classmethod
    def covers(cls, task: Task) -> bool:
        """Return whether this attack covers a task."""
        return not cls.tasks or any(fnmatchcase(task.name, pattern) for pattern in cls.tasks)

    @abstractmethod
    def run(self, question: Question, access: Access) -> Answer:
        """Answer the question; hand in earlier answers through `access.checkpoint`."""

    def unfit(self, app: Application) -> Unfit | None:
        """Return why this attack cannot run on the application; None when it can."""
        return None


def is_game(value: object) -> bool:
    """Return whether a value can be the `game` of an attack."""
    return isinstance(value, type) and issubclass(value, Game)
