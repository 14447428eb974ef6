"""Stop training when records held out are recognised no better."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from pydantic import Field

from goalkeeper.core.application import Application
from goalkeeper.core.goals import Goal
from goalkeeper.defences._training import NO_RECIPE, inner_trainer, retrained, with_settings
from goalkeeper.defences.base import RETRAINED, Defence, Settings
from goalkeeper.training import SklearnTrainer, TorchTrainer


class StoppingSettings(Settings):
    """When to stop."""

    patience: int = Field(
        default=3, ge=1, description="epochs or trees without an improvement on records held out"
    )
    held_out: float = Field(
        default=0.1, gt=0, lt=0.5, description="share of the training records that is held out"
    )


class EarlyStopping(Defence[StoppingSettings]):
    """What is learnt after records held out stop to improve is the training records themselves.

    Song and Mittal 2021, Systematic evaluation of privacy risks of machine learning models, USENIX
    Security: early stopping protects as well as many defences made for the purpose.
    """

    about: ClassVar[str] = "stop training when records held out are recognised no better"
    works: ClassVar[str] = (
        "the model continues to fit single records after it has learnt what is common"
    )
    price: ClassVar[str] = "the records held out are not learnt"
    adaptive: ClassVar[str] = RETRAINED
    goals: ClassVar[frozenset[Goal]] = frozenset({Goal.PRIVACY})
    families: ClassVar[frozenset[str]] = frozenset({"membership", "attribute", "inversion"})
    settings: ClassVar[type[StoppingSettings]] = StoppingSettings

    def lacks(self, app: Application) -> str:
        """Need training in steps that can be stopped."""
        if app.trainer is None:
            return NO_RECIPE
        trainer = inner_trainer(app)
        if isinstance(trainer, TorchTrainer):
            return "its recipe stops early already" if trainer.torch_recipe.patience else ""
        return "" if _keys(trainer, self.settings()) else "its training has no steps to stop at"

    def apply(self, app: Application, settings: StoppingSettings) -> Application:
        """Train again."""
        trainer = inner_trainer(app)
        if isinstance(trainer, TorchTrainer):
            recipe = replace(
                trainer.torch_recipe, patience=settings.patience, validation=settings.held_out
            )
            return retrained(app, trainer.with_recipe(recipe))
        return retrained(app, with_settings(app, _keys(trainer, settings)))


def _keys(trainer: object, settings: StoppingSettings) -> dict[str, Any]:
    """Name the parameters of the last estimator that stop its training; empty: it has none.

    An estimator with a switch that is on already has none either.
    """
    if not isinstance(trainer, SklearnTrainer):
        return {}
    known = trainer.estimator.get_params(deep=True)
    patience = min((k for k in known if k.endswith("n_iter_no_change")), key=len, default="")
    share = patience.removesuffix("n_iter_no_change") + "validation_fraction"
    switch = patience.removesuffix("n_iter_no_change") + "early_stopping"
    stops = known.get(switch) is True or (switch not in known and known.get(patience))
    if not patience or share not in known or stops:
        return {}
    on = {switch: True} if switch in known else {}  # gradient boosting stops once patience is set
    return {patience: settings.patience, share: settings.held_out, **on}
