"""Planted code: the attack hides code in the stored model; which files pass the check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.planted_code import marks
from goalkeeper.games.shared.model_files import (
    Replacements,
    remove_check,
    storage_of,
    unfit_storage,
)
from goalkeeper.opening import scan

TASK = Task(
    name="planted-code",
    harms=(Harm(Goal.INTEGRITY, level=IntegrityLevel.MODEL), Harm(Goal.AVAILABILITY)),
    metric="success_rate",
    sentence="put a file in place of the stored model that runs code when it is loaded",
)


@dataclass(frozen=True, eq=False, slots=True)
class GenuineFile:
    """The bytes of the stored model, in which code is to be hidden."""

    content: bytes


@final
@dataclass(frozen=True, kw_only=True)
class PlantedCode(Game[GenuineFile, None, Replacements]):
    """Question: the stored file of the model. Answer: files with code hidden inside.

    The described check is run on each file, in a temporary folder, but none is ever loaded: that
    its code would run is read off the file. The user's own file is not touched.
    """

    name: ClassVar[str] = "planted_code"
    family: ClassVar[str] = "tampering"

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Plant code in the stored file."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a stored file whose format can hold code."""
        if app.storage is not None and not app.storage.runs_code:
            form = scan(app.storage.read()).form
            return Unfit(
                f"loading this file ({form}) never runs code that it contains", proven=True
            )
        return unfit_storage(app)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[GenuineFile, None]:
        """Show the genuine file; there is no secret."""
        return Deal(GenuineFile(storage_of(app).read()), None)

    def mark(self, marking: Marking[GenuineFile, None, Replacements]) -> AttackResult:
        """Have the check look at every file, and count those that it accepts."""
        return marks.mark(marking.app, marking.deal.question.content, marking.final.answer)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Check no file."""
        return remove_check(app)
