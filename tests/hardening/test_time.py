"""The time of a hardening ends whatever runs then, and a decision is stated."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import goalkeeper as gk
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.deadline import check_time
from goalkeeper.defences import apply_chosen
from goalkeeper.defences._training import retrained, trainer_of
from goalkeeper.defences.base import NoSettings
from goalkeeper.hardening.choosing import Offer, list_open_goals
from goalkeeper.hardening.search import Search
from goalkeeper.hardening.side_effects import OwnCosts
from goalkeeper.hardening.subject import Subject
from goalkeeper.hardening.trials import Before, Trials
from goalkeeper.planning import Choice
from goalkeeper.running import RunOptions, Sizing
from tests.defences.planted import Placebo, chosen, memoriser


@dataclass(frozen=True, eq=False)
class EndlessTrainer:
    """Trains on and on, and asks for the time after each step, as networks do."""

    inner: Any
    recipe: str = "endless"

    def fit(self, data: gk.Data, seed: int) -> Any:
        while True:
            check_time()
            time.sleep(0.01)

    def fit_many(self, data: gk.Data, masks: Any, seeds: Any) -> Any:
        return self.inner.fit_many(data, masks, seeds)


class Endless(Placebo):
    """A defence whose training does not end."""

    def apply(self, app: gk.Application, settings: NoSettings) -> gk.Application:
        return retrained(app, EndlessTrainer(trainer_of(app)))


class OnlyApplied(Subject):
    """Leaves the training to whoever loads the application, as a file does."""

    def defended(self, chosen: Any, folder: Path) -> Any:
        return tuple(chosen)

    def load(self, described: Any) -> gk.Application:
        assert isinstance(self.given, gk.Application)
        return apply_chosen(self.given, described)


def search(folder: Path, limit: float) -> Search:
    app = memoriser(0)
    subject = OnlyApplied(app, ComputeSettings())
    trials = Trials(subject, folder, 0, RunOptions(), Sizing())
    # A single attack is enough: what decides is not the point.
    whole = trials.assess(app, folder / "before", Choice(attacks=("loss_threshold",)))
    before = Before(
        costs=OwnCosts(app),
        whole=whole,
        policy=subject.policy,
        open_goals=list_open_goals(whole),
        tried=1,
        root=folder / "before",
    )
    one = chosen(Endless)
    offers = (Offer(one.name, one.defence, (one,)),)
    trials = replace(trials, sizing=Sizing(limit=limit))
    return Search(trials, before, offers, lambda _: None, seconds=1.0)


def test_a_training_ends_when_the_time_is_over_and_nothing_is_called_tried(tmp_path: Path) -> None:
    made = search(tmp_path, limit=2.0)
    started = time.monotonic()
    made.run()
    assert time.monotonic() - started < 2.0 + 10.0
    assert [one.accepted for one in made.tried] == [False]
    assert "The time was over" in made.tried[0].why
    assert not list(tmp_path.rglob("trial.json")), "the same command tries it again"


def test_what_cannot_end_in_time_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Endless, "work", lambda self, app, settings: 1e6)
    made = search(tmp_path, limit=5.0)
    made.run()
    assert not made.tried
    assert "--time" in made.left_out["endless"]
