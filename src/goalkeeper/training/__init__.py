"""The things that make targets from data: one at a time, or hundreds together."""

from goalkeeper.training.networks import TorchRecipe, TorchTrainer, generic_network
from goalkeeper.training.recipes import lookalike, numbers_of
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer, how

__all__ = [
    "FunctionTrainer",
    "SklearnTrainer",
    "TorchRecipe",
    "TorchTrainer",
    "generic_network",
    "how",
    "lookalike",
    "numbers_of",
]
