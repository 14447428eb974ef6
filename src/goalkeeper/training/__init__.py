"""The things that make targets from data: one at a time, or hundreds together."""

from goalkeeper.training.recipes import lookalike
from goalkeeper.training.trainers import FunctionTrainer, SklearnTrainer, how

__all__ = ["FunctionTrainer", "SklearnTrainer", "how", "lookalike"]
