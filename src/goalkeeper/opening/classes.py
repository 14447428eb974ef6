"""Which classes of installed packages may be made from a file, shown class by class.

A class counts if nothing of its own code runs while a file is loaded: an instance is made by
`object.__new__` (whatever `__new__` the class has), and its state is put into its `__dict__` (or
set by one of the few `__setstate__` that were read, `_STATES`). No constructor runs, and no
destructor, attribute hook or metaclass of its own may be there. What such an object does later,
when it is asked for predictions, is the code of the installed package with attributes from the
file; so only classes of estimators and of the parts that estimators keep are taken, from modules
without readers and writers of files. Functions are never taken by this rule.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from abc import ABCMeta
from types import ModuleType
from typing import Any

from goalkeeper.opening.names import Name

# Packages whose estimators are taken (subclasses of scikit-learn's BaseEstimator).
_ESTIMATORS = ("sklearn", "imblearn", "xgboost.sklearn", "lightgbm.sklearn")
# Modules whose other classes are taken as well: the parts that estimators keep.
_PARTS = (
    "scipy.interpolate._bsplines",
    "scipy.sparse._bsr",
    "scipy.sparse._coo",
    "scipy.sparse._csc",
    "scipy.sparse._csr",
    "scipy.sparse._dia",
    "scipy.sparse._lil",
    "sklearn._loss.link",
    "sklearn._loss.loss",
    "sklearn.calibration",
    "sklearn.cluster._birch",
    "sklearn.cluster._bisect_k_means",
    "sklearn.compose._column_transformer",
    "sklearn.ensemble._gb_losses",
    "sklearn.ensemble._hist_gradient_boosting",
    "sklearn.gaussian_process.kernels",
    "sklearn.metrics._scorer",
    "sklearn.model_selection._split",
    "sklearn.neural_network._stochastic_optimizers",
    "sklearn.utils._metadata_requests",
    "torch.nn.modules",
)
_LEFT_OUT = re.compile(
    r"(^|\.)(tests?|conftest|datasets|externals|keras|tensorflow|_build_utils|_testing|_mocking"
    r"|_test_common|estimator_checks|fixes)(\.|$)"
)
_STATES = (
    ("sklearn.base", "BaseEstimator"),
    ("sklearn.isotonic", "IsotonicRegression"),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor"),
)
_TORCH = ("torch.nn.modules",)  # read; states go into `__dict__` without their `__setattr__`
_HEAP_TYPE = 1 << 9  # a class written in Python
_MOVED = {
    "sklearn.ensemble.gradient_boosting": "sklearn.ensemble._gb",
    "sklearn.neighbors._dist_metrics": "sklearn.metrics._dist_metrics",
    "sklearn.neighbors.dist_metrics": "sklearn.metrics._dist_metrics",
    "sklearn.tree.tree": "sklearn.tree._classes",
}


def current(name: Name) -> Name:
    """Return where something is today that older versions of its package had elsewhere."""
    module, what = name
    if module == "numpy.core" or module.startswith("numpy.core."):
        module = "numpy._core" + module.removeprefix("numpy.core")
    module = module.removeprefix("sklearn.externals.") if ".joblib." in module else module
    if (module, what) == ("sklearn.utils", "Bunch"):
        return Name("sklearn.utils._bunch", what)
    module = _MOVED.get(module, module)
    parent, _, last = module.rpartition(".")
    if module.startswith("sklearn.") and not last.startswith("_") and not _exists(module):
        private = f"{parent}._{last}"  # public modules became private in version 0.22
        module = private if _exists(private) else module
    return Name(module, what)


def _exists(module: str) -> bool:
    if _LEFT_OUT.search(module) or not all(part.isidentifier() for part in module.split(".")):
        return False
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def find_class(name: Name) -> type | None:
    """Return the class of an installed package that may be made from a file; None if there is none.

    Only modules of the packages named above are imported.
    """
    module, what = name
    if not _below(module, (*_ESTIMATORS, *_PARTS)) or _LEFT_OUT.search(module):
        return None
    found = vars(_module(module)).get(what)
    if not isinstance(found, type) or (found.__module__, found.__qualname__) != (module, what):
        return None  # nothing that the module only imported
    taken = _below(module, _PARTS) or _is_estimator(found)
    return found if taken and _runs_nothing(found) else None


def _below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == p or module.startswith(f"{p}.") for p in packages)


def _module(module: str) -> ModuleType:
    if not _exists(module):
        return ModuleType(module)
    try:
        return importlib.import_module(module)
    except Exception:  # noqa: BLE001 - a module that needs what is not installed has no classes
        return ModuleType(module)


def _is_estimator(found: type) -> bool:
    from sklearn.base import BaseEstimator

    return issubclass(found, BaseEstimator)


def _runs_nothing(found: Any) -> bool:
    """Say whether making an instance, setting its state and dropping it runs no code of its own."""
    own = {name for base in found.__mro__[:-1] for name in vars(base)}
    return (
        type(found) in (type, ABCMeta)
        and bool(found.__flags__ & _HEAP_TYPE)
        and (found.__setattr__ is object.__setattr__ or _below(found.__module__, _TORCH))
        and found.__getattribute__ is object.__getattribute__
        and not own.intersection({"__del__", "__reduce__", "__reduce_ex__"})
        and _sets_state_simply(found)
    )


def _sets_state_simply(found: Any) -> bool:
    setter = getattr(found, "__setstate__", None)
    if setter is None or _below(found.__module__, _TORCH):
        return True
    known = (vars(_module(m))[n].__setstate__ for m, n in _STATES if hasattr(_module(m), n))
    return any(setter is one for one in known)
