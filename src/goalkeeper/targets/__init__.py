"""The things that answer: one adapter a file, each checking what the model returns."""

from goalkeeper.targets.checks import preflight
from goalkeeper.targets.python import PythonTarget
from goalkeeper.targets.sklearn import SklearnTarget
from goalkeeper.targets.torch import TorchTarget

__all__ = ["PythonTarget", "SklearnTarget", "TorchTarget", "preflight"]
