"""The things that make targets from data: one at a time, or hundreds together."""

from goalkeeper.training.dispatch import FitStrategy
from goalkeeper.training.lookalikes import (
    build_encoder,
    build_generic_network,
    lookalike,
    plain_rows,
)
from goalkeeper.training.networks import Perturbation, TorchRecipe, TorchTrainer
from goalkeeper.training.one_by_one import fit_many as fit_one_by_one
from goalkeeper.training.settings import (
    Setting,
    find_settings,
    setting_like,
    usual_recipe,
    with_setting,
)
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer, fit_strategy

__all__ = [
    "FitStrategy",
    "FunctionTrainer",
    "Perturbation",
    "Setting",
    "SklearnTrainer",
    "TorchRecipe",
    "TorchTrainer",
    "build_encoder",
    "build_generic_network",
    "find_settings",
    "fit_one_by_one",
    "fit_strategy",
    "lookalike",
    "plain_rows",
    "setting_like",
    "usual_recipe",
    "with_setting",
]
