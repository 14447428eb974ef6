"""Swapped file: the attack puts files in place of the stored model; which are used unnoticed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application, Storage
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data, Ints
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Attacker, Power
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.model_files import (
    Replacements,
    remove_check,
    storage_of,
    unfit_storage,
)
from goalkeeper.games.swapped_file import marks
from goalkeeper.opening import scan

MODELS = 2  # older and other models, each
TASK = Task(
    name="swapped-file",
    harms=(Harm(Goal.INTEGRITY, level=IntegrityLevel.MODEL), Harm(Goal.AVAILABILITY)),
    metric="success_rate",
    sentence="put a changed file in place of the stored model, unnoticed before it is used",
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AvailableModelFiles:
    """The stored model file, and the other model files that an attacker has.

    Parameters
    ----------
    content
        Bytes of the genuine file.
    numbers
        Where raw numbers stand in it: (first byte, end, bytes a number); may be empty.
    older
        Genuine files of older models: trained on half of the data.
    other
        Files of models that were trained on other data.
    tries
        How many files are tried, about.
    """

    content: bytes
    numbers: tuple[tuple[int, int, int], ...]
    older: tuple[bytes, ...]
    other: tuple[bytes, ...]
    tries: int


@final
@dataclass(frozen=True, kw_only=True)
class SwappedFile(Game[AvailableModelFiles, None, Replacements]):
    """Question: the stored file of the model. Answer: files to put in its place.

    The described check and loader are run on each file, in a temporary folder; a file that comes
    into use was not noticed. The user's own file is not touched. Files that name code which the
    genuine one does not are never loaded.

    Parameters
    ----------
    tries
        Files that are put in place of the stored model, about.
    """

    name: ClassVar[str] = "swapped_file"
    family: ClassVar[str] = "tampering"

    tries: int = 24

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Swap the stored file."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a stored file."""
        return unfit_storage(app)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Only a declared check is put to the test; without one, W grants the swap."""
        if app.storage is None or app.storage.protection:
            return DECIDES
        return Standing.no_harm(
            f"{attacker.name} was granted the stored model (W), and nothing is described that "
            "would notice another file; what limits this attacker is a check before the file is "
            "used (a hash, a signature)"
        )

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[AvailableModelFiles, None]:
        """Show the genuine file, and train and store older and other models."""
        storage = storage_of(app)
        content = storage.read()
        older, other = _store_models(app, storage, rng)
        question = AvailableModelFiles(
            content=content,
            numbers=scan(content).arrays,
            older=older,
            other=other,
            tries=self.tries,
        )
        return Deal(question, None)

    def mark(self, marking: Marking[AvailableModelFiles, None, Replacements]) -> AttackResult:
        """Start the application with every file, and count those that come into use."""
        return marks.mark(marking.app, marking.deal.question.content, marking.final.answer)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Check no file."""
        return remove_check(app)

    def smaller(self) -> SwappedFile:
        """Try fewer files."""
        return replace(self, tries=12)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the older and the other models that are trained."""
        return Estimate(models=2 * MODELS)


def _store_models(
    app: Application, storage: Storage, rng: np.random.Generator
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Store models of the application's own recipe: on half of its data, and on similar data."""
    if app.trainer is None:
        return (), ()
    train, similar = app.data.train, app.data.similar
    parts = [_draw_half(train, rng) for _ in range(MODELS)]
    parts += [_draw_half(similar, rng) for _ in range(MODELS)]
    try:
        files = [storage.save(app.trainer.fit(part, int(rng.integers(2**31)))) for part in parts]
    except NotOffered:
        return (), ()
    return tuple(files[:MODELS]), tuple(files[MODELS:])


def _draw_half(data: Data, rng: np.random.Generator) -> Data:
    """Draw half of the records of every class."""
    rows: list[Ints] = []
    for label in np.unique(data.y):
        rows_of_class = rng.permutation(np.flatnonzero(data.y == label))
        rows.append(rows_of_class[: max(1, len(rows_of_class) // 2)])
    return data.take(np.sort(np.concatenate(rows)))
