"""Networks of PyTorch, trained by a declared recipe: one alone, or hundreds together."""

from goalkeeper.training.networks.parameters import read_parameters
from goalkeeper.training.networks.recipe import Perturbation, TorchRecipe
from goalkeeper.training.networks.trainer import TorchTrainer

__all__ = ["Perturbation", "TorchRecipe", "TorchTrainer", "read_parameters"]
