"""The things that answer: one adapter a file, each checking what the model returns."""

from goalkeeper.targets.checks import preflight
from goalkeeper.targets.python import PythonTarget
from goalkeeper.targets.sklearn import SklearnTarget

__all__ = ["PythonTarget", "SklearnTarget", "preflight"]
