"""How much a model keeps: what keeps little holds no training data, what hides is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from goalkeeper.targets.holdings import count_kept

X = np.random.default_rng(0).normal(size=(200, 6))
Y = np.arange(200) % 2


class Own:
    """A model of the user's own."""

    def __init__(self, **kept: Any) -> None:
        self.__dict__.update(kept)


class InClass(Own):
    RECORDS = X


class InSlots:
    __slots__ = ("records",)

    def __init__(self) -> None:
        self.records = X


def test_a_constant_and_a_rule_keep_less_than_two_records() -> None:
    for model in (DummyClassifier().fit(X, Y), Own(edge=0.5, names=["yes", "no"])):
        kept = count_kept(model)
        assert kept is not None
        assert kept < 2 * X.shape[1]


def test_records_are_counted_wherever_they_are_kept() -> None:
    places = (
        Own(x=X), Own(rows=[list(row) for row in X]), Own(by={str(i): r for i, r in enumerate(X)}),
        Own(inner=Own(x=X)), InClass(), Own(hidden=X.tobytes()),
        Own(number=int.from_bytes(X.tobytes())),
    )  # fmt: skip
    for model in places:
        kept = count_kept(model)
        assert kept is None or kept >= X.size / 2


def reads_file(x: Any) -> Any:
    return [row in Path("rows.txt").open().read() for row in x]


def compares(x: Any) -> Any:
    return np.array([bool((row == X).all(axis=1).any()) for row in x])


def asks_another(x: Any) -> Any:
    return compares(x)


def by_default(x: Any, known: Any = X) -> Any:
    return [row in known for row in x]


def in_closure() -> Any:
    rows = X.copy()
    return lambda x: [row in rows for row in x]


def rule(x: Any) -> Any:
    return np.where(np.asarray(x)[:, 0] > 0.5, "yes", "no")


def test_what_a_function_refers_to_is_counted() -> None:
    for holding in (compares, asks_another, by_default, in_closure(), Own(f=lambda: X)):
        kept = count_kept(holding)
        assert kept is None or kept >= X.size
    assert (count_kept(rule) or 99) < 2 * X.shape[1]


def test_small_numbers_of_records_are_counted_one_by_one() -> None:
    rows = np.random.default_rng(0).integers(0, 9, (200, 6)).tolist()
    for model in (Own(rows=rows), Own(by={str(i): tuple(r) for i, r in enumerate(rows)})):
        kept = count_kept(model)
        assert kept is not None
        assert kept >= X.size


def test_settings_count_next_to_nothing() -> None:
    constant = DummyClassifier(strategy="constant", constant="yes").fit(
        X, np.array(["no", "yes"])[Y]
    )
    assert (count_kept(constant) or 99) < 2 * X.shape[1]


def test_what_cannot_be_looked_into_is_not_known() -> None:
    hiding = (InSlots(), Own(inner=InSlots()), Own(rows=iter(X)))
    for function in (reads_file, lambda: np.load("rows.npy"), lambda: __import__("rows")):
        assert count_kept(Own(f=function)) is None
    for model in (*hiding, DecisionTreeClassifier().fit(X, Y), KNeighborsClassifier(1).fit(X, Y)):
        assert count_kept(model) is None
