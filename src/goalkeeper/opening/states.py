"""How instances get their state from a file: what is allowed for which class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.opening.arrays import check_state
from goalkeeper.opening.calls import StackView, is_numbers
from goalkeeper.opening.limits import Refused
from goalkeeper.opening.names import BITS, COMPILED, NUMBER_CLASSES, TREE, Name, listed

DISTRIBUTIONS = ("scipy.stats._continuous_distns", "scipy.stats._discrete_distns")
_FROZEN = listed(
    {
        "scipy.stats._distn_infrastructure": "rv_continuous_frozen rv_discrete_frozen rv_frozen",
    }
)
_BOOSTERS = listed({"lightgbm.basic": "Booster", "xgboost.core": "Booster"})
_CATBOOST = listed(
    {"catboost.core": "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor"}
)
PREDICTOR = Name("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor")
_BUNCH = Name("sklearn.utils._bunch", "Bunch")
# Classes that were read one by one: an empty instance may be made of them.
MADE = (
    _FROZEN
    | _BOOSTERS
    | _CATBOOST
    | {_BUNCH}
    | listed({"joblib.numpy_pickle": "NumpyArrayWrapper"})
)
DICTIONARIES = {_BUNCH, *listed({"collections": "Counter OrderedDict defaultdict"})}


@dataclass(frozen=True, slots=True)
class StateRule:
    """What state a class may get.

    Parameters
    ----------
    check
        Raises Refused for a state that the class itself would not write.
    apply
        Gives an instance its state; None: by its own `__setstate__`, or into its `__dict__`.
    """

    check: Callable[[StackView, Any], None]
    apply: Callable[[Any, Any], None] | None = None


def is_distribution(name: Name) -> bool:
    """Say whether this is the class of a distribution of scipy."""
    return name.module in DISTRIBUTIONS and name.name.endswith("_gen")


def state_of(name: Name) -> StateRule | None:
    """Return what state a class may get; None for classes on no list."""
    if name in _TABLE:
        return _TABLE[name]
    return _DISTRIBUTION if is_distribution(name) else None


def plain(_: StackView, state: Any) -> None:
    """Check a state that goes into the `__dict__` of an instance."""
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise Refused("an instance gets a state that is no dictionary of attributes")


def set_plain(instance: Any, state: Any) -> None:
    """Set a state by the class's own `__setstate__`, or put it into the `__dict__`."""
    own = getattr(type(instance), "__setstate__", None)
    if own is not None:
        own(instance, state)
    else:
        vars(instance).update(state)


# ---- by class --------------------------------------------------------------------------------


def _array(view: StackView, state: Any) -> None:
    view.limits.take(check_state(state))


def _set_array(instance: Any, state: Any) -> None:
    version, shape, kind, order, raw = state
    raw = raw.encode("latin1") if isinstance(raw, str) else raw
    instance.__setstate__((version, shape, kind, bool(order), raw))


def _masked(view: StackView, state: Any) -> None:
    if not isinstance(state, tuple) or len(state) != 7 or not isinstance(state[5], bytes):
        raise Refused("a masked array has a state that numpy does not write")
    view.limits.take(check_state(state[:5]) + len(state[5]))
    if len(state[5]) != int(np.prod(state[1], dtype=np.int64)):
        raise Refused("a masked array has a mask of another size")


def _tuple_or_dict(_: StackView, state: Any) -> None:
    if not isinstance(state, dict | tuple | None):
        raise Refused("a random generator or tree has a state that its class does not write")


def _numbers(_: StackView, state: Any) -> None:
    if not is_numbers(state):
        raise Refused("a loss function has a state that its class does not write")


def _tree(_: StackView, state: Any) -> None:
    plain(_, state)
    nodes, count = state.get("nodes"), state.get("node_count")
    if isinstance(nodes, np.ndarray) and not _is_tree(nodes, count):
        raise Refused("a decision tree has branches that lead out of it")


def _is_tree(nodes: Any, count: Any) -> bool:
    """Say whether every branch ends at a later node: scikit-learn follows them unchecked."""
    if not _has(nodes, "left_child", "right_child") or count != len(nodes):
        return False
    leaf = nodes["left_child"] == -1
    return all(_lead_on(nodes[side], leaf) for side in ("left_child", "right_child"))


def _has(nodes: Any, *fields: str) -> bool:
    return nodes.ndim == 1 and set(fields) <= set(nodes.dtype.names or ())


def _lead_on(children: Any, leaf: Any) -> bool:
    here = np.arange(len(children))
    return bool((leaf | ((children > here) & (children < len(children)))).all())


def _set_tree(instance: Any, state: Any) -> None:
    instance.__setstate__(state)
    inner = instance.children_left != -1
    if not bool(((instance.feature >= 0) & (instance.feature < instance.n_features))[inner].all()):
        raise Refused("a decision tree asks for a feature that it does not have")


def _predictor(_: StackView, state: Any) -> None:
    plain(_, state)
    nodes = state.get("nodes")
    if isinstance(nodes, np.ndarray) and not (
        _has(nodes, "left", "right", "is_leaf")
        and all(_lead_on(nodes[side], nodes["is_leaf"] != 0) for side in ("left", "right"))
    ):
        raise Refused("a decision tree has branches that lead out of it")


def _booster(_: StackView, state: Any) -> None:
    """Check that the handle is bytes of a model: as a number it would be a place in memory."""
    plain(_, state)
    for key in ("handle", "_handle"):
        if not isinstance(state.get(key), str | bytes | bytearray | None):
            raise Refused("a booster has a handle that is no stored model")


def _set_compiled(instance: Any, state: Any) -> None:
    instance.__setstate_cython__(state)


def _set_nothing(instance: Any, state: Any) -> None:
    """Set nothing, as Bunch does."""


def _distribution(view: StackView, state: Any) -> None:
    plain(view, state)
    for key in ("a", "b"):
        if not isinstance(state.get(key), int | float | np.number):
            raise Refused("a distribution has a state that scipy does not write")


def _set_distribution(instance: Any, state: Any) -> None:
    """Initialise a distribution as scipy does: its own `__setstate__` runs code from its state."""
    instance.__init__(a=state["a"], b=state["b"], name="stored")


_DISTRIBUTION = StateRule(_distribution, _set_distribution)
_TABLE = {
    Name("numpy", "ndarray"): StateRule(_array, _set_array),
    Name("numpy", "matrix"): StateRule(_array, _set_array),
    Name("numpy.ma", "MaskedArray"): StateRule(_masked),
    Name("numpy.ma.core", "MaskedArray"): StateRule(_masked),
    Name("numpy.matrixlib.defmatrix", "matrix"): StateRule(_array, _set_array),
    Name("numpy.random.mtrand", "RandomState"): StateRule(_tuple_or_dict),
    Name("numpy.random._generator", "Generator"): StateRule(_tuple_or_dict),
    Name("numpy.random._pickle", "__bit_generator_ctor"): StateRule(_tuple_or_dict),
    Name("numpy.random._pickle", "__generator_ctor"): StateRule(_tuple_or_dict),
    Name("numpy.random._pickle", "__randomstate_ctor"): StateRule(_tuple_or_dict),
    Name("numpy.random", "__RandomState_ctor"): StateRule(_tuple_or_dict),
    Name("numpy.random.bit_generator", "__pyx_unpickle_SeedSequence"): StateRule(_tuple_or_dict),
    TREE: StateRule(_tree, _set_tree),
    PREDICTOR: StateRule(_predictor),
    Name("collections", "OrderedDict"): StateRule(plain),
    _BUNCH: StateRule(plain, _set_nothing),
    **{name: StateRule(_tuple_or_dict) for name in BITS | COMPILED},
    **{name: StateRule(_numbers, _set_compiled) for name in NUMBER_CLASSES},
    **{name: StateRule(_booster) for name in _BOOSTERS},
    **{name: StateRule(plain) for name in _CATBOOST | _FROZEN},
}
