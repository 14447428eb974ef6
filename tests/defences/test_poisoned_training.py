"""What defences against poisoning do, where the poison is known; and that games replay them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import goalkeeper as gk
from goalkeeper.attack_run import evaluate
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data
from goalkeeper.core.evidence import DamageCount
from goalkeeper.core.learning import Feedback
from goalkeeper.core.power import Budget
from goalkeeper.core.retrained import serving_trainer
from goalkeeper.defences.contribution_cap import Capper
from goalkeeper.defences.negative_impact import ImpactJudge, ImpactSettings
from goalkeeper.defences.trimmed_training import Trimmer, TrimSettings
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion
from tests.defences.applications import HAM, mail, table
from tests.defences.test_effects import defended
from tests.games.poisoning.poisoners import T1, Does, power, run_of

application = cache(table)


def poisoned(app: gk.Application, x: Any, y: int) -> tuple[Data, Any]:
    """Add records of one class to the training data; return which they are."""
    train = app.data.train
    extra = Data(x=np.asarray(x, dtype=train.x.dtype), y=np.full(len(x), y))
    data = Data(x=train.x, y=train.y).joined(extra)
    return data, np.arange(len(data)) >= len(train)


def kept_rows(data: Data, kept: Data) -> Any:
    known = {(str(x), int(y)) for x, y in zip(kept.x, kept.y, strict=True)}
    return np.array([(str(x), int(y)) in known for x, y in zip(data.x, data.y, strict=True)])


def test_trimming_leaves_out_records_that_contradict_the_rest() -> None:
    app = mail()
    spam = app.data.similar.x[app.data.similar.y == 1][:10]
    data, added = poisoned(app, [f"{text} a{i}" for i, text in enumerate(spam)], 0)
    assert app.trainer is not None
    made = Trimmer(app.trainer, TrimSettings(share=0.06))(data, 0)
    kept = kept_rows(data, made)
    assert len(made) == round(0.94 * len(data))
    assert kept[added].mean() < 0.3
    assert kept[~added].mean() > 0.95


def test_trimming_keeps_a_record_of_each_class() -> None:
    app = application()
    assert app.trainer is not None
    x = np.concatenate([app.data.train.x, [[0.0] * 5]])
    data = Data(x=x, y=np.append(np.ones(len(x) - 1, dtype=np.int64), 0))
    made = Trimmer(app.trainer, TrimSettings(share=0.4))(data, 0)
    assert set(made.y.tolist()) == {0, 1}


def test_records_that_lower_accuracy_on_trusted_ones_are_left_out() -> None:
    app = mail()
    dictionary = [" ".join(HAM * 3) + f" x{i}" for i in range(20)]
    data, added = poisoned(app, dictionary, 1)
    assert app.trainer is not None
    judge = ImpactJudge(app.trainer, app.data.calibration, ImpactSettings())
    kept = judge.kept(data, 0)
    assert kept[added].mean() <= 0.1
    assert kept[~added].mean() > 0.9


def test_a_contributor_counts_no_more_than_the_cap() -> None:
    who = np.array(["a"] * 50 + ["b"] * 3 + [""] * 40 + [f"p{i}" for i in range(107)])
    data = Data(x=np.arange(200.0)[:, None], y=np.arange(200) % 2, columns={"person": who})
    kept = Capper("person", 0.05).kept(data, 0)
    counted = {name: int(kept[who == name].sum()) for name in ("a", "b", "")}
    assert counted == {"a": 10, "b": 3, "": 10}
    assert kept[93:].all()


# ---- replayed by the game ------------------------------------------------------------------------


def contribute(aim: PoisoningQuestion, access: Any) -> Contribution:
    """Call harmless records harmful, as many as the attacker may."""
    data = access.data()
    share, rows = access.granted.budget.share, aim.rows
    chosen = np.resize(np.flatnonzero(data.y == 0), int(share / (1 - share) * rows))
    change = Change(add=data.x[chosen], add_labels=np.ones(len(chosen), dtype=np.int64))
    return Contribution(change=change, access=access)


def damage(app: gk.Application, accounts: int = 1) -> int:
    """Count harmless inputs that are declined once more, over all retrainings."""
    granted = power(T1, share=0.3)
    budget: Budget = replace(granted.budget, identities=accounts)
    game = Poisoning(points=1, steps=0)
    run = run_of(Does(how=contribute), app, replace(granted, budget=budget), game=game)
    found = evaluate(app, run).trials[-1].tally
    assert isinstance(found, DamageCount)
    return sum(found.gained) - sum(found.lost)


def test_the_game_caps_the_attacker_as_often_as_it_has_accounts() -> None:
    app = application()
    capped = defended(app, "contribution_cap", share=0.05)
    assert damage(app) > 40
    assert damage(capped) < 0.4 * damage(app)
    assert damage(capped, accounts=6) > 1.5 * damage(capped)


def test_a_model_that_became_worse_does_not_go_into_service() -> None:
    app = application()
    gated = defended(app, "trusted_gate", drop=0.02)
    assert damage(gated) < 0.1 * damage(app)
    assert gated.target is app.target
    # Who trains for other ends gets its own model, and not the one that serves.
    assert gated.trainer is not None
    few = app.data.train.take(np.arange(30))
    wrong = Data(x=few.x, y=1 - few.y)
    assert gated.trainer.fit(wrong, 0) is not app.target
    assert serving_trainer(gated.trainer).fit(wrong, 0) is app.target
    assert serving_trainer(gated.trainer).fit(app.data.train, 0) is not app.target
    # A defence in front of the gate does not take it away.
    both = defended(gated, "label_cleaning").trainer
    assert both is not None
    assert serving_trainer(both).fit(wrong, 0) is app.target


@pytest.mark.parametrize(("monitor", "expected"), [(None, 0.02), (0.01, 0.01), (0.5, 0.02)])
def test_versions_that_learn_from_feedback_are_compared_as_well(
    monitor: float | None, expected: float
) -> None:
    loop = Feedback(rounds=4, monitor=monitor, snapshots=1)
    gated = defended(replace(application(), feedback=loop), "trusted_gate", drop=0.02)
    assert gated.feedback is not None
    assert (gated.feedback.monitor, gated.feedback.snapshots) == (expected, 4)
