"""Every check of targets fails on its culprit; adapters and small targets pass them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from goalkeeper.core.application import Answers
from goalkeeper.core.data import Floats, Inputs
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import View
from goalkeeper.games import catalogue
from goalkeeper.games.shared.base_targets import BareTarget, WrappedTarget
from goalkeeper.games.shared.simple_targets import LinearTarget
from goalkeeper.targets import PythonTarget, SklearnTarget, TorchTarget
from goalkeeper.testing import ContractError, check_target, target_checks, targets, worlds_of
from goalkeeper.testing.arena import seeded
from goalkeeper.testing.worlds.kit import HashedTarget

CLASSES = ("no", "perhaps", "yes")
X = np.random.default_rng(0).random((6, 4))
DOMAIN = TableDomain(columns=tuple(Column(name=f"c{i}", low=0, high=1) for i in range(4)))


def honest() -> LinearTarget:
    rng = np.random.default_rng(1)
    return LinearTarget(rng.normal(size=(3, 4)), rng.normal(size=3))


class Changed(WrappedTarget):
    """An honest target, of which a function changes the answers."""

    def __init__(self, change: Callable[[Answers, Inputs, View], Any]) -> None:
        super().__init__(honest())
        object.__setattr__(self, "_change", change)

    def answer(self, x: Inputs, view: View) -> Answers:
        change: Any = self._change  # type: ignore[attr-defined]
        return change(self.target.answer(x, View.SCORES), x, view)  # type: ignore[no-any-return]


def rescored(change: Callable[[Floats], Floats]) -> Changed:
    return Changed(lambda said, x, view: Answers(said.labels, change(said.scores)).cut(view))


def relabelled(change: Callable[[Any], Any]) -> Changed:
    return Changed(lambda said, x, view: Answers(change(said.labels), said.scores).cut(view))


def doubling(said: Answers, x: Inputs, view: View) -> Answers:
    x *= 2
    return said.cut(view)


def by_batch(said: Answers, x: Inputs, view: View) -> Answers:
    """Scale by what else is in the batch."""
    scores = said.scores ** (1 + x.std())
    scores /= scores.sum(axis=1, keepdims=True)
    return Answers(scores.argmax(axis=1), scores).cut(view)


def by_place(said: Answers, x: Inputs, view: View) -> Answers:
    """Let the first input of a batch of several be answered otherwise."""
    labels = said.labels.copy()
    labels[: len(x) > 1] = (labels[: len(x) > 1] + 1) % 3
    scores = np.eye(3)[labels]
    return Answers(labels, scores).cut(view)


def moody(said: Answers, x: Inputs, view: View) -> Answers:
    """Give other labels where nobody sees the scores."""
    return said.cut(view) if view > View.LABELS else Answers((said.labels + 1) % 3)


def failing_on_nothing(said: Answers, x: Inputs, view: View) -> Answers:
    return Answers(np.zeros(max(1, len(x)), dtype=np.int64)) if len(x) == 0 else said.cut(view)


class Leaky(Answers):
    """Answers that cannot be cut."""

    def cut(self, view: View) -> Answers:
        return self


class Modest(BareTarget):
    """Says that it offers labels, and gives scores."""

    @property
    def offers(self) -> View:
        return View.LABELS

    def answer(self, x: Inputs, view: View) -> Answers:
        return honest().answer(x, View.SCORES)


class Speechless(BareTarget):
    """Offers nothing."""

    @property
    def offers(self) -> View:
        return View.NOTHING


@dataclass(frozen=True, eq=False)
class Reading(WrappedTarget):
    """Gives parameters and a file of its own."""

    known: Any = None
    path: Path | None = None

    def parameters(self) -> Mapping[str, Any]:
        if self.known is None:
            raise NotOffered("none")
        return self.known  # type: ignore[no-any-return]

    def artefact(self) -> Path:
        if self.path is None:
            raise NotOffered("none")
        return self.path


CULPRITS = [
    (Speechless(), targets.OFFERS, "LABELS at least"),
    (Changed(lambda said, x, view: said.labels), targets.SHAPES, "returned a ndarray"),
    (relabelled(lambda y: y.astype(float)), targets.SHAPES, "labels are float64"),
    (relabelled(lambda y: y[:, None]), targets.SHAPES, r"of shape \(6, 1\)"),
    (relabelled(lambda y: y + 3), targets.SHAPES, "labels go from 3"),
    (rescored(lambda s: s[:, :2]), targets.SHAPES, r"scores are float64 of shape \(6, 2\)"),
    (rescored(lambda s: s + np.inf), targets.SHAPES, "not finite"),
    (rescored(lambda s: s * 1.01), targets.SCORES, "sum to 1 only up to 0.01"),
    (rescored(lambda s: s - np.array([1.0, -1.0, 0.0])), targets.SCORES, "smallest score is -"),
    (relabelled(lambda y: (y + 1) % 3), targets.AGREE, "6 of 6 labels are not the class"),
    (Changed(moody), targets.AGREE, "6 of 6 labels are others when only labels"),
    (Changed(by_batch), targets.ALONE, "asked one at a time, .* so do scores"),
    (Changed(by_place), targets.ALONE, "asked in the opposite order, "),
    (Changed(doubling), targets.UNTOUCHED, "inputs were changed when labels"),
    (Changed(failing_on_nothing), targets.NONE, r"labels of shape \(1,\)"),
    (Changed(lambda s, x, v: Leaky(s.labels, s.scores)), targets.CUT, "scores can be read by"),
    (Modest(), targets.BEYOND, "gives scores and offers labels"),
    (Reading(honest(), known=[1.0]), targets.PARAMETERS, "returned a list"),
    (
        Reading(honest(), known={"weights": np.zeros((3, 4)), "bias": np.zeros(2)}),
        targets.PARAMETERS,
        r"weights of shape \(3, 4\), bias of shape \(2,\)",
    ),
    (Reading(honest(), path=Path("nowhere.bin")), targets.FILE, "nowhere.bin"),
]


@pytest.mark.parametrize(("culprit", "promise", "seen"), CULPRITS)
def test_each_check_fails_on_its_culprit(culprit: Any, promise: str, seen: str) -> None:
    with pytest.raises(ContractError, match=seen) as caught:
        check_target(culprit, X, CLASSES)
    assert caught.value.promise == promise


def test_every_promise_has_a_culprit() -> None:
    promises = {check.promise for check in target_checks(honest(), X, CLASSES)}
    assert promises == {promise for _, promise, _ in CULPRITS}


def test_too_few_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="these are 2 inputs and 3 classes"):
        check_target(honest(), X[:2], CLASSES)


# ---- honest targets ------------------------------------------------------------------------------


def test_small_targets_pass() -> None:
    check_target(honest(), X, CLASSES)
    check_target(HashedTarget(b"key"), X, CLASSES[:2])


def test_adapters_pass(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    y = np.arange(6) % 3
    fitted = LogisticRegression().fit(X, y)
    check_target(SklearnTarget(fitted, CLASSES, DOMAIN), X, CLASSES)
    by_scores = PythonTarget(fitted.predict_proba, CLASSES, DOMAIN, sample=X[:2])
    check_target(by_scores, X, CLASSES)
    by_label = PythonTarget(fitted.predict, CLASSES, DOMAIN, sample=X[:2])
    check_target(by_label, X, CLASSES)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 3))
    images = X.reshape(6, 1, 2, 2)
    check_target(TorchTarget(module, CLASSES, ImageDomain(shape=(1, 2, 2))), images, CLASSES)


WORLDS = [
    (name, domain, kind)
    for name, game in catalogue().items()
    for domain in sorted(game.domains)
    for kind in ("rigged", "fair")
]


@pytest.mark.parametrize(("game", "domain", "kind"), WORLDS)
def test_targets_of_all_worlds_pass(game: str, domain: str, kind: str) -> None:
    app = getattr(worlds_of(catalogue()[game]), kind)(domain, seeded(0))
    check_target(app.target, app.data.holdout.x[:5], app.classes)
