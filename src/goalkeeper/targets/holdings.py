"""How much an object keeps in memory: what keeps little cannot hold training data."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from math import ceil
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from goalkeeper.targets.members import members_of

LIBRARIES = frozenset({"sklearn", "xgboost", "lightgbm", "catboost"})
# Of scikit-learn, what learns weights, counts or averages, and keeps no row of its training data.
RECORDLESS = (
    "sklearn.linear_model.",
    "sklearn.naive_bayes",
    "sklearn.neural_network.",
    "sklearn.discriminant_analysis",
    "sklearn.dummy",
)
ROWLESS = frozenset({
    "HashingVectorizer", "CountVectorizer", "TfidfVectorizer", "TfidfTransformer", "StandardScaler",
    "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Normalizer", "Binarizer", "SimpleImputer",
    "OneHotEncoder", "OrdinalEncoder", "KBinsDiscretizer", "PolynomialFeatures", "PCA",
    "TruncatedSVD", "VarianceThreshold", "SelectKBest", "SelectPercentile", "SelectFdr",
    "SelectFpr", "SelectFwe", "PowerTransformer", "SplineTransformer", "IncrementalPCA", "FastICA",
    "FactorAnalysis", "NMF", "GaussianRandomProjection", "SparseRandomProjection", "RBFSampler",
    "AdditiveChi2Sampler", "PolynomialCountSketch", "MissingIndicator", "TargetEncoder",
    "DictVectorizer", "FeatureHasher",
})  # fmt: skip
MOST = 100_000  # numbers and words that are counted; whoever keeps more may hold anything


def count_kept(model: Any) -> int | None:
    """Count the numbers and words that an object keeps, in all that it refers to.

    None where something is met that cannot be looked into, such as the memory of a library in
    another language, a file or a function that reads one, or where there are too many.
    A word counts by its letters, so that nothing is hidden in a long one: one for every eight, and
    one at least. Only settings, which are attributes of an object, count by their bits: even a
    model that always gives the same answer has a dozen short names and small numbers.
    """
    seen: dict[int, Any] = {}  # the objects as well, so that no other gets the address of one
    stack, total = [model], 0.0
    while stack:
        value = stack.pop()
        size = _size(value)
        if size is None:
            if id(value) in seen:
                continue
            seen[id(value)] = value
            held = _hold(value)
            if held is None:
                return None
            size, inner = held
            stack += inner
        else:  # as often as it is met: Python keeps equal small numbers as one object
            size = max(1.0, size)
        total += size
        if total > MOST or len(seen) > MOST or len(stack) > MOST:
            return None
    return ceil(total)


def keeps_weights_only(steps: Sequence[Any], final: Any) -> bool:
    """Tell whether each part of a model is of a class of scikit-learn that keeps no record.

    That holds whether or not its weights can be read in terms of the inputs. Words are no records
    here: what a vocabulary gives away is a question of its own.
    """
    members = members_of(final)
    if members is not None:
        models = [*members.models, *([] if members.last is None else [members.last])]
        return all(keeps_no_row(step) for step in steps) and all(map(_is_recordless, models))
    kind = type(final)
    known = kind.__module__.startswith(RECORDLESS) or kind.__qualname__ == "LinearSVC"
    return known and _is_of_sklearn(final) and all(keeps_no_row(step) for step in steps)


def _is_recordless(member: Any) -> bool:
    """Tell whether a model or pipeline that another one consists of keeps no record."""
    steps = getattr(member, "steps", None)
    if steps is None or not _is_of_sklearn(member):
        return keeps_weights_only((), member)
    return keeps_weights_only([step for _, step in steps[:-1] if step is not None], steps[-1][1])


def keeps_no_row(step: Any) -> bool:
    """Tell whether a step of a pipeline is of scikit-learn, and keeps no record."""
    parts = getattr(step, "transformers_", None)
    if parts is not None and _is_of_sklearn(step):
        return all(isinstance(p, str) or keeps_no_row(p) for _, p, _ in parts)
    inner = getattr(step, "transformer_list", None) or getattr(step, "steps", None)
    if inner is not None and _is_of_sklearn(step):
        return all(p is None or isinstance(p, str) or keeps_no_row(p) for _, p in inner)
    return step == "passthrough" or (_is_of_sklearn(step) and type(step).__qualname__ in ROWLESS)


def _is_of_sklearn(part: Any) -> bool:
    return type(part).__module__.startswith("sklearn.")


def count_unread(final: Any, parameters: Mapping[str, Any]) -> int | None:
    """Count what an estimator keeps beside the weights that were read; None if that is not known.

    What the libraries' own classes keep is known: linear models, networks and what is read as
    `stored`. A class of the user's own may keep records beside its weights.
    """
    if type(final).__module__.partition(".")[0] in LIBRARIES:
        return 0 if parameters else None
    kept = count_kept(final)
    if kept is None:
        return None
    weights = sum(np.size(parameters.get(name, ())) for name in ("weights", "bias"))
    return max(0, kept - weights)


def _size(value: Any) -> float | None:
    """Return what a single number or word counts by its bits; None for anything else."""
    if value is None or isinstance(value, bool | np.bool_ | type | np.dtype):
        return 0.0
    if isinstance(value, str | bytes | bytearray):
        return len(value) / 8
    if isinstance(value, int | np.integer):  # of any length, so that nothing hides in its digits
        return int(value).bit_length() / 64
    return 1.0 if isinstance(value, float | complex | np.generic) else None


def _hold(value: Any) -> tuple[float, list[Any]] | None:
    """Return how many numbers an object is by itself, and what else it refers to."""
    if isinstance(value, np.ndarray):
        listed = value.dtype.kind in "OUS"  # objects and words count one by one
        return (0, value.ravel().tolist()) if listed else (value.nbytes / 8, [])
    if isinstance(value, Mapping) and type(value) is dict:
        return 0, [*value, *value.values()]
    if type(value) in (list, tuple, set, frozenset):
        return 0, list(value)
    if isinstance(value, FunctionType):
        return _hold_function(value)
    if isinstance(value, MethodType):
        return 0, [value.__self__, value.__func__]
    state = getattr(value, "__dict__", None)
    if not isinstance(state, dict) or not _is_plain(type(value)):
        return None
    sizes = [(kept, _size(kept)) for kept in state.values()]
    settings = sum(size for _, size in sizes if size is not None)
    return settings, [kept for kept, size in sizes if size is None] + _kept_by_class(type(value))


# What a function may refer to by name without reading anything that is not counted: numpy's and
# Python's own functions that compute, but none that reads a file, the network or other objects.
PLAIN_MODULES = frozenset({"numpy", "math", "re", "string", "itertools", "operator", "unicodedata"})
PLAIN_BUILTINS = frozenset({
    "abs", "all", "any", "bool", "dict", "divmod", "enumerate", "filter", "float", "frozenset",
    "int", "isinstance", "len", "list", "map", "max", "min", "print", "range", "reversed", "round",
    "set", "slice", "sorted", "str", "sum", "tuple", "zip",
})  # fmt: skip
READING = ("load", "open", "file", "mem", "ctypes", "lib", "dunder", "source", "pickle", "__")


def _hold_function(function: FunctionType) -> tuple[float, list[Any]] | None:
    """Return the constants of a function and what its names refer to; None for names that read."""
    codes, constants, names = [function.__code__], list[Any](), set[str]()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        constants += [c for c in code.co_consts if not isinstance(c, CodeType)]
        codes += [c for c in code.co_consts if isinstance(c, CodeType)]
    if any(word in name.lower() for name in names for word in READING):
        return None
    try:
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a variable that has no value yet
        return None
    inner = [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    for name in names:
        if name not in function.__globals__:
            if hasattr(builtins, name) and name not in PLAIN_BUILTINS:
                return None
            continue  # an attribute, of what is counted by itself
        value = function.__globals__[name]
        if isinstance(value, ModuleType):
            if value.__name__.partition(".")[0] not in PLAIN_MODULES:
                return None
        elif value is not function:
            inner.append(value)
    words = [c for c in constants if c is not function.__doc__ and c is not None]
    return sum(_size(c) or 0.0 for c in words), [*(c for c in words if _size(c) is None), *inner]


HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that a statement made; those of C libraries lack it


def _is_plain(kind: type) -> bool:
    """Tell whether objects of a class keep what they know in their dictionary, and nowhere else."""
    own = [base for base in kind.__mro__ if base is not object]
    return all(base.__flags__ & HEAP and not vars(base).get("__slots__") for base in own)


def _kept_by_class(kind: type) -> list[Any]:
    """List what classes of the user's own keep; those of scikit-learn keep nothing of data."""
    return [
        value
        for base in kind.__mro__
        if base is not object and not base.__module__.startswith("sklearn.")
        for name, value in vars(base).items()
        if not name.startswith("__") and not callable(value) and not hasattr(value, "__get__")
    ]
