"""Attacks on rows of tables: constraints always hold, and results are compared with the optimum."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goalkeeper.attacks.evasion import columns_from_labels, columns_from_scores
from goalkeeper.attacks.evasion._query_plans import Reply
from goalkeeper.attacks.evasion.columns_from_labels import ColumnsFromLabels
from goalkeeper.attacks.evasion.columns_from_scores import ColumnsFromScores
from goalkeeper.attacks.evasion.columns_from_weights import ColumnsFromWeights
from goalkeeper.attacks.evasion.columns_from_weights import perturb as change_fewest
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.domain import Column, TableDomain
from goalkeeper.core.power import View
from goalkeeper.games.evasion import (
    AdversarialGoal,
    Ending,
    EntryConstraint,
    Evasion,
    EvasionQuestion,
)
from goalkeeper.testing.worlds.evasion import weak_rows
from tests.attacks.evasion.arena import attacked, part
from tests.attacks.evasion.fields import dealt

KINDS = ("number", "integer", "category", "immutable")


@st.composite
def tables(draw: Any) -> tuple[EntryConstraint, Floats]:
    """Limits on a random table, and some valid rows of it."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    columns: list[Column] = []
    values: list[Floats] = []
    n = 4
    for k, kind in enumerate(draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))):
        if kind == "category":
            names = tuple(f"v{i}" for i in range(draw(st.integers(1, 4))))
            columns.append(Column(name=f"c{k}", kind="category", categories=names))
            values.append(rng.integers(0, len(names), n).astype(float))
        elif kind == "integer":
            columns.append(Column(name=f"c{k}", kind="integer", low=-3, high=3))
            values.append(rng.integers(-3, 4, n).astype(float))
        else:
            fixed = kind == "immutable"
            columns.append(Column(name=f"c{k}", low=-1, high=1, immutable=fixed))
            values.append(rng.uniform(-1, 1, n))
    group = tuple(range(len(columns), len(columns) + draw(st.sampled_from([0, 2, 3]))))
    columns += [Column(name=f"g{i}", kind="integer", low=0, high=1) for i in group]
    if group:
        values += list(np.eye(len(group))[rng.integers(0, len(group), n)].T)
    domain = TableDomain(columns=tuple(columns), one_hot=(group,) if group else ())
    step = rng.choice([0.0, 0.1, 1.0, 2.0], len(columns))
    x = np.array(values).T
    return EntryConstraint(domain=domain, step=step, entries=draw(st.integers(1, 4))), x


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(0, 1000))
def test_no_row_that_is_asked_or_found_breaks_a_constraint(
    case: tuple[EntryConstraint, Floats], seed: int
) -> None:
    constraint, x = case
    domain = constraint.domain
    low, high = constraint.box(x)
    weights = np.random.default_rng(seed).standard_normal((x.shape[1],))

    def ask(rows: Floats, wanted: Bools) -> Reply:
        assert domain.valid(rows).all()
        frozen = ~domain.mutable
        inside = [
            (rows >= low[i] - 1e-9).all()
            and (rows <= high[i] + 1e-9).all()
            and (rows[:, frozen] == x[i][frozen]).all()
            for i in range(len(x))
        ]
        assert any(inside)
        margin = rows @ weights
        return Reply(margin > 0, margin)

    question = EvasionQuestion(
        x=x,
        y=np.zeros(len(x), dtype=np.int64),
        goal=AdversarialGoal(np.tile([False, True], (len(x), 1))),
        constraint=constraint,
    )
    assert constraint.allows(x, x).all()
    everybody = np.full(len(x), float(constraint.entries))
    results: list[Floats] = [
        columns_from_labels.perturb(ask, question, ColumnsFromLabels(draws=3)),
        columns_from_scores.perturb(ask, question, ColumnsFromScores(rounds=1)),
        change_fewest(weights[None], np.zeros(1), x, question.goal.wanted, constraint),
        constraint.perturb_randomly(x, everybody, x, np.random.default_rng(seed)),
    ]
    for found in results:
        assert constraint.allows(x, found).all()


def everything(constraint: EntryConstraint, row: Floats) -> list[Floats]:
    """List all rows at the corners of the limits, whatever the number of entries changed."""
    moves = constraint.list_changes(row)
    choices = [
        [None, *np.flatnonzero(moves.entry == k).tolist()] for k in range(len(constraint.parts))
    ]
    rows = []
    for picked in product(*choices):
        out = row.copy()
        for move in picked:
            if move is not None:
                out[moves.mask[move]] = moves.value[move, moves.mask[move]]
        rows.append(out)
    return rows


@pytest.mark.requirement("S23")
@pytest.mark.parametrize("seed", range(6))
def test_the_weights_give_the_smallest_number_of_entries(seed: int) -> None:
    """Compared with every combination of changes there is."""
    rng = np.random.default_rng(seed)
    app = weak_rows(rng)
    constraint = limits_of(app)
    row = app.data.holdout.x[0]
    weights = rng.standard_normal(len(row))
    bias = -float(row @ weights) - rng.uniform(0.5, 2.0)
    found = change_fewest(
        weights[None], np.array([bias]), row[None], np.array([[False, True]]), constraint
    )
    rows = np.array(everything(constraint, row))
    turned = rows[rows @ weights + bias > 0]
    sizes = constraint.size(np.repeat(row[None], len(turned), axis=0), turned)
    best = sizes.min() if len(sizes) else np.inf
    if best <= constraint.entries:
        assert found[0] @ weights + bias > 0
        assert constraint.size(row[None], found)[0] == best
    else:
        assert found[0] @ weights + bias <= 0


def limits_of(app: Application) -> EntryConstraint:
    constraint = dealt(app, "harmful-passes").question.constraint
    assert isinstance(constraint, EntryConstraint)
    return constraint


class Boxed:
    """A rule of the kind that a tree has: class 1 inside a narrow range of one number."""

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Inputs, view: View) -> Any:
        from goalkeeper.core.application import Answers

        return Answers((np.abs(x[:, 1]) < 0.5).astype(np.int64))

    def parameters(self) -> Any:
        raise NotImplementedError

    def artefact(self) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    "attack",
    [ColumnsFromLabels(), ColumnsFromScores(), ColumnsFromWeights()],
    ids=["labels", "scores", "weights"],
)
@pytest.mark.parametrize("task", ["harmful-passes", "harmless-declined"])
def test_the_weak_application_falls_and_its_budget_is_kept(attack: Any, task: str) -> None:
    app = weak_rows(np.random.default_rng(0))
    question = dealt(app, task).question
    answer, access = attacked(attack, app, question, queries=500)
    solved = answer.endings == Ending.BROKEN
    assert solved.mean() > 0.95
    assert question.constraint.allows(question.x, answer.x).all()
    assert np.median(question.constraint.size(question.x, answer.x)) == 1.0
    assert (access.left() >= 0).all()
    order = np.random.default_rng(1).permutation(10)
    few = part(question, range(10))
    first, _ = attacked(attack, app, few, queries=500)
    again, _ = attacked(attack, app, part(few, order), queries=500)
    assert (again.x == first.x[order]).all()


def test_labels_are_turned_back_where_a_tree_has_a_narrow_range() -> None:
    from dataclasses import replace

    app = replace(weak_rows(np.random.default_rng(0)), harmless=None, target=Boxed())
    x = app.data.holdout.x
    y = (np.abs(x[:, 1]) < 0.5).astype(np.int64)
    app = replace(app, data=replace(app.data, holdout=replace(app.data.holdout, y=y)))
    question = dealt(app, "any-wrong", Evasion(n=40)).question
    answer, _ = attacked(ColumnsFromLabels(), app, question, queries=300)
    inside = question.y == 1
    assert (answer.endings[inside] == Ending.BROKEN).mean() > 0.5
    assert question.constraint.allows(question.x, answer.x).all()
