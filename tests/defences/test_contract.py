"""What every defence must keep to, on every kind of application that it fits."""

from __future__ import annotations

import pickle
import warnings
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints
from typing import Any

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.core import plugins
from goalkeeper.core.plugins import DEFENCES
from goalkeeper.core.power import View
from goalkeeper.defences import Chosen, Defence, apply_chosen, catalogue
from goalkeeper.policy import default_policy
from tests.defences.applications import APPLICATIONS
from tests.defences.planted import Placebo

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@cache
def application(kind: str) -> gk.Application:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return APPLICATIONS[kind]()


def chosen(name: str, app: gk.Application) -> Chosen:
    defence: Defence[Any] = catalogue()[name]()
    settings = defence.settings() if defence.lacks(app) else defence.candidates(app)[0]
    return Chosen(name, defence, settings)


PAIRS = [(name, kind) for name in catalogue() for kind in APPLICATIONS]


@pytest.mark.parametrize("name", catalogue())
def test_a_defence_says_what_it_is(name: str) -> None:
    defence = catalogue()[name]
    families = set(default_policy().taxonomy.families)
    assert defence.goals
    assert defence.families
    assert defence.families <= families
    for words in (defence.about, defence.works, defence.price, defence.adaptive):
        assert words
        assert words[0].islower()
        assert not words.endswith(".")
    for field in defence.settings.model_fields.values():
        assert field.description
        assert not field.is_required()
    assert defence.__doc__


@pytest.mark.parametrize("kind", APPLICATIONS)
def test_some_defence_fits_every_kind_of_application(kind: str) -> None:
    app = application(kind)
    assert [n for n in catalogue() if not catalogue()[n]().lacks(app)]


@pytest.mark.parametrize("name", catalogue())
def test_every_defence_fits_some_application(name: str) -> None:
    defence = catalogue()[name]()
    reasons = [defence.lacks(application(kind)) for kind in APPLICATIONS]
    missing = [reason for reason in reasons if "is not installed" in reason]
    if missing:
        pytest.skip(missing[0])
    assert "" in reasons


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_a_defended_application_is_an_ordinary_one(name: str, kind: str) -> None:
    app = application(kind)
    one = chosen(name, app)
    before = app.fingerprint
    if reason := one.defence.lacks(app):
        with pytest.raises(gk.GoalkeeperError, match=name):
            apply_chosen(app, (one,))
        assert not reason.endswith(".")
        return
    made = apply_chosen(app, (one,))
    assert app.fingerprint == before, "the application that it was made from stays as it is"
    x = app.data.holdout.x
    answers = made.target.answer(x, View.LABELS).labels
    assert answers.shape == (len(x),)
    if made.attackers == app.attackers and made.wiring == app.wiring:
        assert made.fingerprint != before
    if made.trainer is app.trainer:
        return
    # The trainer includes the defence: attackers who retrain, retrain the defended model.
    assert made.trainer is not None
    assert app.trainer is not None
    assert made.trainer.recipe != app.trainer.recipe
    again = made.trainer.fit(app.data.train, 0).answer(x, View.LABELS).labels
    assert (again == answers).mean() > 0.97
    trainer = pickle.loads(pickle.dumps(made.trainer))  # noqa: S301 - our own
    mask = np.ones((2, len(app.data.train)), dtype=bool)
    mask[1, ::3] = False
    several = trainer.fit_many(app.data.train, mask, [0, 1])
    assert several.labels(x).shape == (2, len(x))
    assert (several.labels(x)[0] == answers).mean() > 0.97
    alone = made.trainer.fit(app.data.train.take(mask[1]), 1).answer(x, View.LABELS).labels
    assert (several.labels(x)[1] == alone).mean() > 0.97


@pytest.mark.parametrize("kind", APPLICATIONS)
def test_what_only_takes_from_attackers_leaves_model_and_knowledge_as_they_are(kind: str) -> None:
    app = application(kind)
    narrowing = [name for name in catalogue() if catalogue()[name].narrows]
    assert narrowing
    for name in narrowing:
        one = chosen(name, app)
        if one.defence.lacks(app):
            continue
        made = apply_chosen(app, (one,))
        assert made.target is app.target
        assert made.trainer is app.trainer
        assert made.data is app.data
        for was, now in zip(app.attackers, made.attackers, strict=True):
            assert not was.power.lacks(now.power), f"{name} gives {was.name} something"
            assert now.power.knowledge == was.power.knowledge
            assert now.power.budget.queries_per_day <= was.power.budget.queries_per_day
            assert now.power.budget.identities <= was.power.budget.identities
            assert now.writes in (was.writes, "own")


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_work_says_how_much_longer_a_training_takes(name: str, kind: str) -> None:
    app, one = application(kind), chosen(name, application(kind))
    if not one.defence.lacks(app):
        assert 0 < one.defence.work(app, one.settings) < 1000


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_candidates_are_different_and_can_be_written(name: str, kind: str) -> None:
    app, defence = application(kind), catalogue()[name]()
    if defence.lacks(app):
        return
    assert defence.candidates(app)
    tried = [Chosen(name, defence, settings) for settings in defence.candidates(app)]
    assert len({one.words for one in tried}) == len(tried)
    for one in tried:
        written = one.write()
        settings = {} if isinstance(written, str) else written[name]
        assert defence.settings.model_validate(settings) == one.settings


def test_a_plug_in_is_found_and_a_broken_one_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "tests.defences.planted"
    points = EntryPoints([
        EntryPoint("placebo", f"{module}:Placebo", DEFENCES),
        EntryPoint("broken", f"{module}:memoriser", DEFENCES),
    ])  # fmt: skip
    monkeypatch.setattr(plugins, "entry_points", lambda group: points.select(group=group))
    with pytest.warns(UserWarning, match="broken"):
        found = catalogue.__wrapped__()  # the function behind the cache
    assert found["placebo"] is Placebo
    assert set(found) == {*catalogue(), "placebo"}
