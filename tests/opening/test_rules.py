"""Which names are allowed: exact ones, and classes that run nothing of their own."""

from __future__ import annotations

import pickle
import random
import sys
import types
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.opening import Refused, Unreadable, load, scan
from goalkeeper.opening.classes import current, find_class
from goalkeeper.opening.names import VALUES, Name
from goalkeeper.opening.rules import Rules
from tests.opening.payloads import call, line, literal, named, whole


class Loud(BaseEstimator):  # type: ignore[misc]
    """An estimator whose state is set by code of its own."""

    def __setstate__(self, state: Any) -> None:
        raise AssertionError("ran")


def test_every_listed_value_that_is_here_is_what_its_module_defines() -> None:
    """No listed name reaches into another module: each is a class, ufunc or function."""
    rules = Rules()
    for name in VALUES:
        try:
            value = rules.resolve(name)
        except Refused:
            continue  # of another version
        assert callable(value) or type(value).__name__ == "dtype", name
        assert not isinstance(value, types.ModuleType), name
        own = getattr(value, "__module__", None)
        assert own is None or own.split(".")[0] in (name.module.split(".")[0], "builtins"), name


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.base", "inspect"),  # imported there
        ("sklearn.linear_model", "LogisticRegression"),  # defined elsewhere
        ("sklearn.linear_model._logistic", "LinearClassifierMixin"),
        ("sklearn.utils.parallel", "Parallel"),
        ("sklearn.utils.parallel", "_FuncWrapper"),
        ("sklearn.utils._testing", "TempMemmap"),
        ("sklearn.datasets._base", "RemoteFileMetadata"),
        ("sklearn.externals.array_api_compat", "x"),
        ("sklearn.no_such_module", "Model"),
        ("sklearn.linear_model._logistic", "LogisticRegression.fit"),
        ("xgboost.dask", "DaskXGBClassifier"),
        (__name__, "Loud"),
    ],
)
def test_what_is_no_class_of_an_estimator_is_not_found(module: str, name: str) -> None:
    assert find_class(Name(module, name)) is None
    assert Rules().verdict(Name(module, name)) != "harmless"


def test_a_class_that_sets_its_state_by_code_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule looks at the class: one with a hook is refused wherever it stands."""
    module = sys.modules["sklearn.linear_model._logistic"]
    for hook in ("__setstate__", "__del__", "__reduce__", "__setattr__"):
        cls = type("Hooked", (BaseEstimator,), {hook: lambda *_: None})
        cls.__module__ = module.__name__
        monkeypatch.setattr(module, "Hooked", cls, raising=False)
        assert find_class(Name(module.__name__, "Hooked")) is None, hook
    plain = type("Hooked", (BaseEstimator,), {})
    plain.__module__ = module.__name__
    monkeypatch.setattr(module, "Hooked", plain, raising=False)
    assert find_class(Name(module.__name__, "Hooked")) is plain


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sklearn.linear_model.logistic", "sklearn.linear_model._logistic"),
        ("sklearn.ensemble.forest", "sklearn.ensemble._forest"),
        ("sklearn.tree.tree", "sklearn.tree._classes"),
        ("sklearn.preprocessing.data", "sklearn.preprocessing._data"),
        ("numpy.core.multiarray", "numpy._core.multiarray"),
        ("sklearn.externals.joblib.numpy_pickle", "joblib.numpy_pickle"),
        ("sklearn.pipeline", "sklearn.pipeline"),
    ],
)
def test_modules_that_moved_are_found(old: str, new: str) -> None:
    assert current(Name(old, "X")) == Name(new, "X")


def test_a_pickle_of_an_old_version_is_loaded_with_a_note() -> None:
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    content = pickle.dumps(model, 0)
    content = content.replace(b"sklearn.linear_model._logistic", b"sklearn.linear_model.logistic")
    state = model.__getstate__()["_sklearn_version"].encode()
    loaded = load(content.replace(b"V" + state + b"\n", b"V0.20.3\n"))
    assert loaded.model.predict([[1.0]]) == [1]
    assert "stored by scikit-learn 0.20.3" in loaded.notes[0]


def test_names_of_the_users_own_are_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_features.py").write_text("class Ratio:\n    pass\nfrom os import getcwd\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = (
        b"\x80\x04" + named("own_features", "Ratio").opcodes + b")\x81" + literal({"a": 1}) + b"b."
    )
    with pytest.raises(Refused, match=r"own_features\.Ratio"):
        load(made)
    assert scan(made).verdict == "unknown"
    assert load(made, ("own_features.Ratio",)).model.a == 1
    other = whole(call(named("own_features", "getcwd")))
    with pytest.raises(Refused, match="defines"):
        load(other, ("own_features.getcwd",))
    with pytest.raises(Refused):
        load(whole(named("own_features", "Ratio.__init__")), ("own_features.Ratio",))


def test_a_tree_whose_branches_lead_out_of_it_is_refused() -> None:
    """scikit-learn follows them unchecked, into memory of others."""
    tree = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]).tree_
    _, given, state = tree.__reduce__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"]["left_child"][0] = 10**6
    broken = _Again(type(tree), given, state)
    with pytest.raises(Refused, match="branches"):
        load(pickle.dumps(broken))


class _Again:
    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


def test_a_tree_asks_only_for_features_that_it_has() -> None:
    tree = DecisionTreeClassifier().fit([[0.0], [1.0]], [0, 1]).tree_
    _, given, state = tree.__reduce__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"]["feature"][0] = 10**6
    with pytest.raises(Refused, match="feature"):
        load(pickle.dumps(_Again(type(tree), given, state)))


def test_a_finished_array_is_not_changed_again() -> None:
    """numpy would free its numbers, although another object may read them."""
    content = pickle.dumps(np.arange(3.0), 2)[:-1] + b"q\xc8"
    state = pickle.dumps(np.arange(9.0).__reduce__()[2], 2)[2:-1]
    with pytest.raises(Refused, match="again"):
        load(content + state + b"b.")


def test_a_cache_on_disk_is_left_out() -> None:
    """Training would unpickle what lies there."""
    model = make_pipeline(LogisticRegression(), memory="cache")
    loaded = load(pickle.dumps(model))
    assert loaded.model.memory is None
    assert "cache on disk" in loaded.notes[0]


def test_names_of_a_file_cannot_write_to_the_terminal() -> None:
    assert "\x1b" not in scan(whole(named("mine", "\x1b[2J"))).describe()


def test_functions_are_named_and_never_called() -> None:
    exp = named("numpy", "exp")
    assert load(whole(exp)).model is np.exp
    for made in (call(exp, 1), call(line("sklearn.metrics._ranking", "auc"), [1], [1])):
        with pytest.raises(Refused, match="only name"):
            load(whole(made, 2))
        assert scan(whole(made, 2)).verdict == "unsafe"


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(DecisionTreeClassifier().fit([[0.0], [1.0], [2.0]], [0, 1, 0]), p)
        for p in (0, 5)
    ],
    ids=["protocol 0", "protocol 5"],
)
def test_damaged_files_are_refused_or_loaded_but_never_break_anything(content: bytes) -> None:
    """300 mutants of a valid file: bytes changed, dropped and repeated at random."""
    rng = random.Random(11)  # noqa: S311 - mutants, not secrets
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(damaged))
            match rng.randrange(3):
                case 0:
                    damaged[place] = rng.randrange(256)
                case 1:
                    del damaged[place : place + rng.randrange(1, 9)]
                case _:
                    damaged[place:place] = damaged[place : place + rng.randrange(1, 9)]
        assert scan(bytes(damaged)).verdict in ("clean", "unsafe", "unknown", "unreadable")
        with suppress(Refused, Unreadable):
            load(bytes(damaged))
