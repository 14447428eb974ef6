"""Bit flips: the attack names bits of the stored numbers, and the game flips them in a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.data import PARTS, Splits
from goalkeeper.core.errors import GoalkeeperError, NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm, IntegrityLevel
from goalkeeper.core.power import Attacker, View
from goalkeeper.core.standing import Standing
from goalkeeper.core.stored_numbers import read_numbers
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.bit_flips import marks
from goalkeeper.games.bit_flips.marks import FlipAim, Flips
from goalkeeper.games.shared.large_steps import trainer_for

TASK = Task(
    name="bit-flips",
    harms=(Harm(Goal.INTEGRITY, level=IntegrityLevel.MODEL), Harm(Goal.AVAILABILITY)),
    metric="success_rate",
    sentence="flip bits of the stored numbers, so that correct answers turn wrong",
)


@final
@dataclass(frozen=True, kw_only=True)
class BitFlipping(Game[FlipAim, None, Flips]):
    """Question: the stored numbers. Answer: bits of them to flip, the most harmful first.

    The bits are flipped in a copy of the model; the user's own is not touched. As many bits drawn
    at random are the baseline.

    Parameters
    ----------
    counts
        Numbers of flipped bits that are evaluated.
    draws
        Sets of random flips that the chosen ones are compared with.
    inputs
        Inputs that a model with flipped bits is asked about, at most.
    """

    name: ClassVar[str] = "bit_flips"
    family: ClassVar[str] = "tampering"
    grows: ClassVar[Mapping[str, int]] = {"draws": 10, "inputs": 300}

    counts: tuple[int, ...] = (1, 2, 5, 10, 20)
    draws: int = 20
    inputs: int = 1000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Flip bits of the stored numbers."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need stored numbers that can be rewritten."""
        try:
            read_numbers(app.target)
        except NotOffered as error:
            return Unfit(str(error))
        except GoalkeeperError as error:
            return Unfit(f"the stored numbers cannot be read: {error}")
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever writes the stored numbers may write any model."""
        return Standing.no_harm(
            f"{attacker.name} was granted the stored numbers (W) and could write any others; how "
            "few flipped bits do harm matters where memory fails, or a check is not exact"
        )

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[FlipAim, None]:
        """Show the stored numbers; there is no secret."""
        return Deal(FlipAim(counts=self.counts, stored=read_numbers(app.target)), None)

    def mark(self, marking: Marking[FlipAim, None, Flips]) -> AttackResult:
        """Flip the bits in a copy and count the answers that turn wrong."""
        return marks.mark(marking, draws=self.draws, most=self.inputs)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Replace the target by one of few numbers, and true classes by its answers."""
        target = trainer_for(app).fit(app.data.calibration, 0)
        parts = {
            part: replace(data, y=target.answer(data.x, View.LABELS).labels)
            for part, data in ((p, getattr(app.data, p)) for p in PARTS)
        }
        return replace(app, target=target, data=Splits(**parts))

    def smaller(self) -> BitFlipping:
        """Evaluate fewer flips."""
        return replace(self, counts=(1, 2, 5), draws=5, inputs=100)
