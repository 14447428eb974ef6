"""Systems that notice nothing, systems that notice everything, and weakened ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from goalkeeper.core.application import Answers, Application, Wiring
from goalkeeper.core.data import Inputs
from goalkeeper.core.power import View
from goalkeeper.games.output.system import FRESH, NONE
from goalkeeper.games.shared.output_data import Reader, Wrapped, application, drawn
from goalkeeper.games.shared.simple_targets import CLASSES

ERRS = 0.3  # share of inputs that a careless model answers wrongly
SURE = 0.75
Rule = Callable[[str, Mapping[str, float] | None], str]


def by_certainty(label: str, scores: Mapping[str, float] | None) -> str:
    """React to a class, and at once where the model is sure of it."""
    sure = scores is not None and max(scores.values()) > SURE
    return f"{label}, at once" if sure else label


def rigged(kind: str, rng: np.random.Generator) -> Application:
    """Build a careless model whose answers travel bare to a system that believes them all."""
    app = application("careless model", kind, Reader(careless=ERRS, key=rng.bytes(8)), rng)
    return replace(app, wiring=Wiring(missing="delete", channel=NONE, adapter=by_certainty))


def fair(kind: str, rng: np.random.Generator) -> Application:
    """Build a model without mistakes whose answers nobody can change, repeat or hold unnoticed.

    Whatever is noticed is treated as harmless, so that no harmless input is ever declined.
    """
    app = application("signed answers", kind, Reader(), rng)
    reactions = {CLASSES[0]: "inbox", CLASSES[1]: "spam folder"}
    return replace(
        app,
        wiring=Wiring(
            reactions=reactions, missing="inbox", channel=FRESH, adapter=_by_class(reactions)
        ),
    )


def _by_class(reactions: Mapping[str, str]) -> Rule:
    return lambda label, _: reactions[label]


def believing(app: Application) -> Application:
    """Weaken an application: bare answers, and a system that believes whatever arrives."""
    wiring = replace(app.wiring, missing="nothing", channel=NONE, adapter=by_certainty)
    return replace(app, wiring=wiring)


@dataclass(frozen=True, eq=False)
class Careless(Wrapped):
    """A target that gives another class for a share of inputs that only their content decides."""

    key: bytes
    classes: int

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        answers = self.target.answer(x, view)
        errs = drawn(x, self.key) < ERRS
        labels = np.where(errs, (answers.labels + 1) % self.classes, answers.labels)
        if view < View.SCORES:
            return Answers(labels)
        turned = np.where(errs[:, None], np.roll(answers.scores, 1, axis=1), answers.scores)
        return Answers(labels, turned).cut(view)


def careless(app: Application, rng: np.random.Generator) -> Application:
    """Weaken an application: the model errs in a fixed share of inputs."""
    return replace(app, target=Careless(app.target, rng.bytes(8), len(app.classes)))
