"""Accesses of the output game, and answers in transit, whose content is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from goalkeeper.core.access import Access, Terms
from goalkeeper.core.application import Answers, Application, Wiring
from goalkeeper.core.data import Data
from goalkeeper.core.power import Budget, Capability, Power, View
from goalkeeper.games.output import Messages, Pool, Traffic
from goalkeeper.games.shared.output_data import Reader, application

NAMES = ("inbox", "spam", "fraud")
SCORES = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.0, 0.1, 0.9]])
SENT = Messages(np.array([0, 1, 2]), SCORES)


def mail(careless: float = 0.0) -> Application:
    """The first number of a row is how harmful it is."""
    app = application("mail", "table", Reader(careless=careless), np.random.default_rng(0))
    return replace(app, wiring=Wiring(reactions={"harmless": "inbox", "harmful": "bin"}))


def door(*, app: Application | None = None, transit: bool = True, queries: float = 0.0) -> Access:
    cells = Capability.O if transit else Capability.M2
    power = Power(capabilities=cells, view=View.LABELS, budget=Budget(queries=queries))
    terms = Terms(granted=power, rng=np.random.default_rng(1), victim=np.random.SeedSequence(2))
    return Access(app or mail(), terms)


def traffic(reactions: tuple[str, ...] = NAMES, earlier: Messages = SENT) -> Traffic:
    return Traffic(classes=NAMES, reactions=reactions, harmless=None, earlier=earlier)


def sent(*labels: int, scored: bool = True) -> Messages:
    rows = np.array(labels, dtype=np.int64)
    return Messages(rows, SCORES[rows] if scored else None)


def messages(answers: Answers) -> Messages:
    assert isinstance(answers, Messages)
    return answers


def pool(data: Data, slots: int) -> Pool:
    size = len(data) // slots
    kept = data.take(np.arange(slots * size))
    return Pool(x=kept.x, y=kept.y, slots=slots, size=size)
