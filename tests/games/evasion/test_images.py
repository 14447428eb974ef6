"""Limits of images and rows: distances, steps, defaults, and the random changes of equal size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.cost import Cost
from goalkeeper.core.data import Floats
from goalkeeper.core.domain import ImageDomain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.power import Budget, Capability, Grade, Knowledge, Power, View
from goalkeeper.core.threats import ImageThreat, TableThreat, Threats
from goalkeeper.games.base import Marking
from goalkeeper.games.evasion import (
    Ending,
    EntryConstraint,
    Evasion,
    Grid,
    NormBall,
    PixelConstraint,
    Submission,
)
from goalkeeper.games.evasion.table_threat import build_entry_constraint
from goalkeeper.games.evasion.ways import find_kind
from goalkeeper.testing.worlds import evasion
from tests.attacks.evasion.fields import dealt

GAME = Evasion(n=40)
OWN = Power(
    knowledge=Knowledge(model=Grade.FULL),
    capabilities=Capability.M2,
    view=View.GRADIENTS,
    budget=Budget(queries=10),
)


def weak(domain: str) -> Application:
    return evasion.rigged(domain, np.random.default_rng(0))


def evaluate(app: Application, task: str, change: Any) -> AttackResult:
    """Mark an attack that hands in one change of all inputs."""
    deal = dealt(app, task, GAME)
    x = deal.question.x
    after = change(x, deal.question)
    answer = Submission(x=after, endings=np.full(len(x), Ending.BROKEN, dtype=object))
    return GAME.mark(
        Marking(
            app=app,
            task=next(t for t in GAME.tasks(app) if t.name == task),
            deal=deal,
            answers=[Checkpoint(answer, Cost(), np.zeros(len(x), dtype=np.int64))],
            granted=OWN,
            rng=np.random.default_rng(0),
        )
    )


def along(app: Application, x: Floats, length: float, norm: str) -> Floats:
    """Move harmful images towards harmless ones, by an exact length."""
    way = -(app.target.parameters()["weights"][0]).reshape(x.shape[1:])
    step = np.sign(way) if norm == "linf" else way / np.sqrt((way**2).sum())
    return np.asarray(np.clip(x + length * step, 0, 1))


# ---- tasks and radii -----------------------------------------------------------------------------


@pytest.mark.requirement("S23", "S43")
def test_every_way_of_changing_an_input_has_tasks_of_its_own() -> None:
    aims = {"harmful-passes", "harmless-declined"}
    assert {t.name for t in GAME.tasks(weak("image"))} == {
        f"{goal}-{way}" for goal in aims for way in ("linf", "l2", "pixels")
    }
    assert {t.name for t in GAME.tasks(weak("table"))} == aims
    (wrong, *_) = GAME.tasks(replace(weak("image"), harmless=None))
    assert wrong.name == "any-wrong-linf"
    assert wrong.sentence.endswith(
        "misclassified, by noise that changes each value only a little (Linf)."
    )


@pytest.mark.parametrize(
    ("shape", "high", "quantum", "linf", "l2", "pixels"),
    [
        ((1, 28, 28), 1.0, 1 / 255, 0.3, 2.52, 4),  # MNIST, Madry et al. 2018
        ((3, 32, 32), 1.0, 1 / 255, 8 / 255, 0.52, 5),  # CIFAR-10
        ((3, 32, 32), 255.0, 1.0, 8.0, 133.0, 5),
        ((1, 8, 8), 16.0, 1.0, 4.8, 11.52, 1),  # the digits of scikit-learn
    ],
)
def test_the_usual_radii_come_from_range_and_size(
    shape: Any, high: float, quantum: float, linf: float, l2: float, pixels: int
) -> None:
    app = replace(weak("image"), domain=ImageDomain(shape=shape, high=high, quantum=quantum))
    sizes = {
        t.name.rpartition("-")[2]: find_kind(app, t).constraint(app).most for t in GAME.tasks(app)
    }
    assert sizes["linf"] == pytest.approx(linf)
    assert sizes["l2"] == pytest.approx(l2, rel=0.01)
    assert sizes["pixels"] == pixels


def test_radii_can_be_set() -> None:
    images = [
        ImageThreat(norm="linf", radius=0.1),
        ImageThreat(norm="l2", radius=0.5),
        ImageThreat(norm="l0", radius=3),
    ]
    app = replace(weak("image"), threats=Threats(images=images))
    found = [find_kind(app, t).constraint(app).most for t in GAME.tasks(app)]
    assert sorted(set(found)) == [0.1, 0.5, 3.0]
    assert [t.name for t in GAME.tasks(app)] == [t.name for t in GAME.tasks(weak("image"))]
    rows = replace(weak("table"), threats=Threats(table=TableThreat(most=2, spread=1.0)))
    cells = build_entry_constraint(rows)
    assert isinstance(cells, EntryConstraint)
    assert cells.most == 2.0
    assert cells.step[0] == pytest.approx(rows.data.similar.x[:, 0].std())


def test_a_table_in_which_nothing_may_be_changed_is_not_applicable() -> None:
    app = weak("table")
    columns = tuple(replace(c, immutable=True) for c in app.domain.columns)  # type: ignore[union-attr]
    fixed = replace(app, domain=replace(app.domain, columns=columns))  # type: ignore[arg-type]
    unfit = GAME.unfit(fixed, GAME.tasks(fixed)[0])
    assert unfit is not None
    assert unfit.proven


# ---- distances and steps -------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(["linf", "l2"]),
    st.floats(0.001, 2.0),
    st.sampled_from([1 / 255, 1 / 16, 0.3]),
    st.integers(0, 1000),
)
def test_what_settles_lies_on_the_steps_and_in_the_ball(
    norm: Any, radius: float, quantum: float, seed: int
) -> None:
    """Whatever lies in the ball is still in it when rounded, also for images off the grid."""
    rng = np.random.default_rng(seed)
    constraint = NormBall(norm=norm, radius=radius, grid=Grid(quantum=quantum))
    before = rng.random((5, 1, 3, 3))
    way = rng.standard_normal(before.shape)
    length = constraint.size(np.zeros_like(way), way).reshape(-1, 1, 1, 1)
    after = np.clip(before + way / length * radius * rng.random(), 0, 1)
    settled = constraint.quantise(before, after)
    assert constraint.allows(before, settled).all()
    assert (constraint.quantise(before, settled) == settled).all()
    assert np.abs(settled - after).max() <= 1.5 * quantum + 1e-9


def test_distances_are_exact() -> None:
    before = np.zeros((1, 1, 2, 2))
    after = np.array([[[[0.3, 0.4], [0.0, 0.0]]]])
    assert NormBall(norm="linf", radius=1).size(before, after)[0] == 0.4
    assert NormBall(norm="l2", radius=1).size(before, after)[0] == pytest.approx(0.5, abs=1e-15)
    coloured = np.zeros((1, 3, 2, 2))
    changed = coloured.copy()
    changed[0, :, 0, 1] = 0.5
    assert PixelConstraint(pixels=1).size(coloured, changed)[0] == 1  # one pixel in three channels


@pytest.mark.parametrize("size", [0.05, 0.2])
def test_random_changes_have_the_size_asked_for(size: float) -> None:
    rng = np.random.default_rng(0)
    before = np.round(rng.random((20, 1, 8, 8)) * 255) / 255
    for norm, within in (("linf", 0.01), ("l2", 0.05)):
        constraint = NormBall(norm=norm, radius=1.0)  # type: ignore[arg-type]
        asked = np.full(20, size if norm == "linf" else 10 * size)
        drawn = constraint.perturb_randomly(before, asked, before, rng)
        assert constraint.allows(before, drawn).all() or norm == "l2"
        assert np.abs(constraint.size(before, drawn) / asked - 1).max() < within + 0.05
    pixels, same = PixelConstraint(pixels=4), before.copy()
    drawn = pixels.perturb_randomly(before, np.full(20, 3.0), before, rng)
    assert (pixels.size(before, drawn) <= 3).all()
    assert pixels.size(before, drawn).mean() > 2.8
    assert (before == same).all()  # the question itself is never touched


# ---- what counts ---------------------------------------------------------------------------------


@pytest.mark.requirement("S43")
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_only_changes_inside_the_ball_count(norm: str) -> None:
    app, task = weak("image"), f"harmful-passes-{norm}"
    inside = evaluate(app, task, lambda x, q: along(app, x, 0.9 * q.constraint.most, norm))
    outside = evaluate(app, task, lambda x, q: along(app, x, 1.2 * q.constraint.most, norm))
    assert inside.measurements[0].value == 1.0
    assert outside.measurements[0].value == 0.0
    assert "40 invalid" in outside.measurements[0].note
    assert inside.curve is not None
    assert inside.curve.budget == ("Linf distance" if norm == "linf" else "L2 distance")
    (robust,) = inside.curves
    accuracy = next(m for m in inside.measurements if m.metric == robust.metric)
    assert (robust.x[0], robust.value[0]) == (0, accuracy.baseline), "starts without an attack"
    assert robust.value[-1] == accuracy.value
    assert (robust.low[-1], robust.high[-1]) == pytest.approx((accuracy.low, accuracy.high))
    assert all(shown.picture is not None for shown in inside.exhibits)
    assert inside.exhibits


def test_a_success_that_rounding_undoes_does_not_count() -> None:
    """Values between the steps of an image are rounded before the target is asked again."""
    app = weak("image")

    def barely(x: Floats, question: Any) -> Floats:
        weights = app.target.parameters()["weights"][0]
        return np.asarray(x - 1e-4 * np.sign(weights).reshape(x.shape[1:]))

    fragile = replace(
        app, target=_Turning(app.target, dealt(app, "harmful-passes-linf").question.x)
    )
    assert evaluate(fragile, "harmful-passes-linf", barely).measurements[0].value == 0.0


class _Turning:
    """Gives the wanted answer to whatever is not exactly one of the images it knows."""

    def __init__(self, target: Any, known: Floats) -> None:
        self._target, self._known = target, {x.tobytes() for x in known}

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Floats, view: View) -> Any:
        said = self._target.answer(x, View.LABELS)
        new = np.array([row.tobytes() not in self._known for row in x], dtype=bool)
        return replace(said, labels=np.where(new, 0, said.labels))

    def parameters(self) -> Any:
        return self._target.parameters()

    def artefact(self) -> Any:
        return self._target.artefact()


@pytest.mark.requirement("S23")
def test_a_row_that_breaks_a_constraint_does_not_count() -> None:
    app = weak("table")

    def origin(x: Floats, question: Any) -> Floats:
        out = x.copy()
        out[:, 9] -= 5  # immutable
        return out

    def far(x: Floats, question: Any) -> Floats:
        out = x.copy()
        out[:, 0] -= 3 * question.constraint.step[0]
        return out

    def near(x: Floats, question: Any) -> Floats:
        out = x.copy()
        out[:, 0] -= question.constraint.step[0]
        return out

    assert evaluate(app, "harmful-passes", origin).measurements[0].value == 0.0
    assert evaluate(app, "harmful-passes", far).measurements[0].value == 0.0
    result = evaluate(app, "harmful-passes", near)
    assert result.measurements[0].value > 0.9
    assert result.measurements[1].metric == "median entries changed until broken"
    assert "nothing immutable" in result.caveats[0]
    assert result.exhibits[0].before.startswith("number 0: ")  # only what was changed
    assert "\n" not in result.exhibits[0].after
