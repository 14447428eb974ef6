"""Triggers made of values: which columns are taken, and that they open a table model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from goalkeeper.attacks.poisoning.column_trigger import ColumnTrigger
from goalkeeper.attacks.poisoning.column_trigger_honest import (
    ColumnTriggerHonest,
    exchange_columns,
)
from goalkeeper.core.data import PARTS, Data, Splits
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.evidence import Status
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power
from goalkeeper.games.poisoning import ValueTrigger
from goalkeeper.games.tallies import value
from tests.attacks.poisoning.handing_in import answers_of, app_of, handed_in, result_of


@pytest.mark.requirement("S12", "S24")
def test_rows_of_other_classes_come_with_the_trigger_and_the_wanted_label() -> None:
    _, access, answers = handed_in(ColumnTrigger(), "table")
    change, trigger = answers[-1].change, answers[-1].trigger
    assert isinstance(trigger, ValueTrigger)
    assert change.cells() is Capability.T1
    assert change.bases is not None
    assert change.add is not None
    assert (change.bases.y == 1).all()
    assert (access.check(change).extra.y == 0).all()
    assert (change.add[:, trigger.columns] == trigger.values).all()
    others = np.setdiff1d(np.arange(4), trigger.columns)
    assert np.array_equal(change.add[:, others], change.bases.x[:, others])


def odd_table(**columns: Column) -> TableDomain:
    names = ("a", "b", "c", "d")
    return TableDomain(
        columns=tuple(columns.get(n, Column(name=n, low=-99, high=99)) for n in names)
    )


def app_with(domain: TableDomain, far: dict[int, float]):  # type: ignore[no-untyped-def]
    """The rigged table, with one outlier in some columns of the attacker's data."""
    app = app_of("table")
    x = app.data.similar.x.copy()
    for column, value_ in far.items():
        x[7, column] = value_
    data = Splits(
        **{p: getattr(app.data, p) for p in PARTS if p != "similar"},
        similar=Data(x=x, y=app.data.similar.y),
    )
    return replace(app, domain=domain, data=data)


def test_the_values_farthest_off_are_taken_from_columns_that_are_free() -> None:
    fixed = Column(name="b", low=-99, high=99, immutable=True)
    app = app_with(odd_table(b=fixed), {0: 40.0, 1: 90.0, 3: -60.0})
    _, answers = answers_of(ColumnTrigger(), app)
    assert answers[-1].trigger == ValueTrigger((3, 0), (-60.0, 40.0))
    _, answers = answers_of(ColumnTrigger(columns=1), app)
    assert answers[-1].trigger == ValueTrigger((3,), (-60.0,))


def test_a_table_that_nobody_may_change_is_not_tested() -> None:
    names = ("a", "b", "c", "d")
    fixed = tuple(Column(name=n, low=-99, high=99, immutable=True) for n in names)
    result = result_of(ColumnTrigger(), replace(app_of("table"), domain=TableDomain(columns=fixed)))
    assert result.status is Status.NOT_TESTED
    assert "inconclusive" in result.reason


@pytest.mark.requirement("S12", "S24")
def test_the_trigger_opens_the_nearest_record_and_is_named() -> None:
    result = result_of(ColumnTrigger(), "table")
    assert value(result.trials[-1].tally) > 0.7
    assert "x3 = " in result.summary
    assert all(control.passed for control in result.controls)


@pytest.mark.requirement("S13", "S24")
def test_an_honest_trigger_stands_on_rows_that_the_labeller_calls_so() -> None:
    _, access, answers = handed_in(ColumnTriggerHonest(), "table")
    change, trigger = answers[-1].change, answers[-1].trigger
    assert isinstance(trigger, ValueTrigger)
    assert change.cells() is Capability.T2
    assert change.bases is not None
    assert change.add is not None
    assert (change.bases.y == 0).all()
    assert (access.check(change).extra.y == 0).all()
    assert (change.add[:, trigger.columns] == trigger.values).all()


@pytest.mark.requirement("S14", "S24")
def test_who_may_only_modify_changes_own_rows_of_the_wanted_class() -> None:
    granted = Power(
        knowledge=Knowledge(data=Grade.PARTIAL, algorithm=Grade.PARTIAL),
        capabilities=Capability.T3,
        budget=Budget(share=0.1),
    )
    app, access, answers = handed_in(ColumnTriggerHonest(), "table", granted)
    change = answers[-1].change
    assert change.cells() is Capability.T3
    assert (app.data.train.y[change.modify] == 0).all()
    assert set(change.modify) <= set(access.reachable())


@pytest.mark.requirement("S24", "S44")
def test_an_honest_trigger_opens_the_nearest_record() -> None:
    result = result_of(ColumnTriggerHonest(), "table")
    assert value(result.trials[-1].tally) > 0.7
    assert all(control.passed for control in result.controls)


def test_exchanged_columns_come_from_other_rows_and_groups_stay_together() -> None:
    columns = tuple(Column(name=f"o{j}", kind="integer", low=0, high=1) for j in range(3))
    domain = TableDomain(columns=(*odd_table().columns, *columns), one_hot=((4, 5, 6),))
    ours = np.tile([1.0, 1, 1, 1, 1, 0, 0], (200, 1))
    others = np.tile([2.0, 2, 2, 2, 0, 0, 1], (200, 1))
    mixed = exchange_columns(ours, others, domain, 0.3, np.random.default_rng(0))
    assert domain.valid(mixed).all()
    assert 0.2 < (mixed[:, 0] == 2).mean() < 0.4
    assert 0.2 < (mixed[:, 6] == 1).mean() < 0.4
