"""Let a retrained model serve only if it is as good on trusted records as the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pydantic import Field

from goalkeeper.core.application import Application, Ensemble, Feedback, Target, Trainer
from goalkeeper.core.data import Bools, Data
from goalkeeper.core.feedback import accuracy
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, trainer_of
from goalkeeper.defences.base import Defence, Settings
from goalkeeper.training.one_by_one import SeparateModels

FEWEST = 50  # trusted records: of fewer, one is more than the drop that is looked for


class GateSettings(Settings):
    """When a retrained model is refused."""

    drop: float = Field(
        default=0.02,
        ge=0,
        lt=1,
        description="accuracy on trusted records that a retrained model may lose and still serve",
    )


class TrustedGate(Defence[GateSettings]):
    """A model that became worse where it is certain what is right does not go into service.

    The model that serves now stays in its place. An application that learns from feedback compares
    each version with the first in the same way, and keeps versions back to the first, since any
    later one may have been taught already.
    """

    about: ClassVar[str] = (
        "let a retrained model serve only if it is as good on trusted records as the one before"
    )
    works: ClassVar[str] = (
        "the trusted records (the calibration part) are out of the attacker's reach, and the harm "
        "shows in accuracy; that of a trigger does not"
    )
    price: ClassVar[str] = (
        "an honest model that is a little worse is refused as well, and people must look at why"
    )
    adaptive: ClassVar[str] = (
        "each poisoned retraining passes the gate or leaves the last model in service, at every "
        "dose, so that a dose small enough to pass counts; who trains models for other ends, as "
        "for shadow models, trains without the gate"
    )
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.AVAILABILITY, Goal.INTEGRITY})
    families: ClassVar[frozenset[str]] = frozenset({"poisoning", "teaching"})
    settings: ClassVar[type[GateSettings]] = GateSettings

    def lacks(self, app: Application) -> str:
        """Need a recipe, and enough trusted records."""
        if app.trainer is None:
            return NO_RECIPE
        few = f"fewer than {FEWEST} records are trusted (the calibration part)"
        return few if len(app.data.calibration) < FEWEST else ""

    def candidates(self, app: Application) -> Sequence[GateSettings]:
        """Try two drops."""
        return tuple(GateSettings(drop=drop) for drop in (0.02, 0.005))

    def apply(self, app: Application, settings: GateSettings) -> Application:
        """Put the gate before what is retrained from now on; the model that serves stays."""
        trusted = app.data.calibration
        gate = TrustedRecordsGate(app.target, trusted, accuracy(app.target, trusted), settings.drop)
        made = replace(app, trainer=GatedTrainer(trainer_of(app), gate))
        loop = app.feedback
        if loop is None or not loop.rounds:
            return made
        trainer = app.trainer if loop.in_place else made.trainer  # versions pass the monitor
        return replace(made, trainer=trainer, feedback=_watched(loop, settings.drop))


def _watched(loop: Feedback, drop: float) -> Feedback:
    monitor = drop if loop.monitor is None else min(drop, loop.monitor)
    return replace(loop, monitor=monitor, snapshots=max(loop.snapshots, loop.rounds))


@dataclass(frozen=True, eq=False)
class TrustedRecordsGate:
    """What a model that goes into service is compared with.

    Parameters
    ----------
    last
        The model that serves now.
    trusted
        Records whose classes are certain.
    right
        Its accuracy on them.
    drop
        How much less another model may have.
    """

    last: Target
    trusted: Data
    right: float
    drop: float

    def admit(self, model: Target) -> Target:
        """Return the model, or the last one in its place."""
        falls = accuracy(model, self.trusted) < self.right - self.drop - 1e-12
        return self.last if falls else model


@dataclass(frozen=True, eq=False)
class GatedTrainer:
    """The application's own trainer; what it trains for service passes a gate."""

    inner: Trainer
    gate: TrustedRecordsGate

    @property
    def recipe(self) -> str:
        """The recipe, and that there is a gate."""
        return f"{self.inner.recipe} > gate (drop={self.gate.drop:g})"

    @property
    def serving(self) -> Trainer:
        """The trainer of models that go into service."""
        return ServingTrainer(self.inner, self.gate)

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target, for other ends than service."""
        return self.inner.fit(data, seed)

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, for other ends than service."""
        return self.inner.fit_many(data, masks, seeds)


@dataclass(frozen=True, eq=False)
class ServingTrainer:
    """Trains models for service: each that does not pass the gate leaves the last one there."""

    inner: Trainer
    gate: TrustedRecordsGate

    @property
    def recipe(self) -> str:
        """The recipe, and what passes the gate."""
        return f"{self.inner.recipe} > passed gate (drop={self.gate.drop:g})"

    def fit(self, data: Data, seed: int) -> Target:
        """Train one target; the last one stays where it is worse."""
        return self.gate.admit(self.inner.fit(data, seed))

    def fit_many(self, data: Data, masks: Bools, seeds: Sequence[int]) -> Ensemble:
        """Train N targets on the rows of each mask `(N, rows)`, with N seeds."""
        models = self.inner.fit_many(data, masks, seeds)
        return SeparateModels([self.gate.admit(models.target(i)) for i in range(len(models))])
