"""Networks of PyTorch, trained by a declared recipe: one alone, or hundreds together."""

from goalkeeper.training.networks.recipe import TorchRecipe
from goalkeeper.training.networks.trainer import TorchTrainer

__all__ = ["TorchRecipe", "TorchTrainer"]
