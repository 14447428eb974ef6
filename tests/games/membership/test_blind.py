"""Training rows that merely differ from others are no leak of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks.membership.loss_threshold import LossThreshold
from goalkeeper.core.application import Application
from goalkeeper.core.data import Data, Floats
from goalkeeper.core.domain import ImageDomain, TableDomain, TextDomain
from goalkeeper.core.evidence import AttackResult, Status
from goalkeeper.games.membership import Membership
from goalkeeper.games.membership.blind import match_strata, measure_blind
from goalkeeper.games.membership.game import TASK
from goalkeeper.games.membership.memorising import RecordIndex
from goalkeeper.games.tallies import beats_baseline, bounds
from goalkeeper.stats import auc
from tests.contract.harness import enough
from tests.games.membership.worlds import shifted, two


def played(app: Application, seed: int = 0) -> AttackResult:
    granted = enough(LossThreshold)
    game = Membership()
    return evaluate(
        app, AttackRun(attack=LossThreshold(), game=game, task=TASK, granted=granted, seed=seed)
    )


def certainty(x: Floats) -> Floats:
    """Answer class 1 the more surely the higher the first column: a rule that saw no record."""
    return two(expit(3 * x[:, 0]))


def with_classes_of_ones(app: Application) -> Application:
    """Give every record class 1, so that a certain answer is a right one."""
    from dataclasses import replace

    from goalkeeper.core.data import Splits

    parts = {
        part: Data(x=getattr(app.data, part).x, y=np.ones(count, dtype=np.int64))
        for part, count in app.data.sizes().items()
    }
    return replace(app, data=Splits(**parts))


@pytest.mark.requirement("S48")
@pytest.mark.parametrize("shift", [0.3, 1.0])
def test_a_fixed_rule_is_no_leak_where_training_rows_differ(shift: float) -> None:
    """Without the comparison of like with like, the loss alone has an AUC of .58 and .76."""
    app = with_classes_of_ones(shifted(shift, certainty))
    result = played(app)
    assert result.status is Status.TESTED
    assert not beats_baseline(result.trials[-1].tally)
    metrics = {m.metric: m for m in result.measurements if not m.group}
    assert metrics["AUC without the model"].low > 0.5
    assert abs(metrics["AUC"].value - 0.5) < 0.04
    assert "differ from the others even without the model" in " ".join(result.caveats)


@pytest.mark.requirement("S48")
def test_where_nothing_is_alike_nothing_is_said() -> None:
    result = played(with_classes_of_ones(shifted(8.0, certainty)))
    assert result.status is Status.NOT_TESTED
    assert "distinguished without the model" in result.reason


@pytest.mark.requirement("S48")
def test_a_memory_is_found_among_rows_that_differ() -> None:
    app = shifted(1.0, certainty)
    members = RecordIndex(app.data.train)

    def remembers(x: Floats) -> Floats:
        sure = members.rows(x) >= 0
        y = app.data.train.y[members.rows(x)]
        return two(np.where(sure, 0.05 + 0.9 * y, 0.5))

    result = played(with_memory(app, remembers))
    low, _ = bounds(result.trials[-1].tally, 0.001)
    assert low > 3


def with_memory(app: Application, scores: Any) -> Application:
    from dataclasses import replace

    from tests.games.membership.worlds import Function

    return replace(app, target=Function(scores))


@pytest.mark.parametrize("kind", ["table", "text", "image"])
def test_equal_data_are_seldom_taken_for_different(kind: str) -> None:
    """At 1 % one of 8 is likely with 8 %, and two with 0.3 %."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(8):
        x: Any = rng.normal(size=(300, 4))
        domain: Any = shifted(0, certainty, n=20).domain
        if kind == "text":
            domain = TextDomain()
            x = np.array([" ".join(rng.choice(list("abcdefgh"), 9)) for _ in x], dtype=object)
        if kind == "image":
            x, domain = rng.random((300, 1, 3, 3)), ImageDomain(shape=(1, 3, 3))
        data = Data(x=x, y=rng.integers(0, 2, 300))
        found += measure_blind(data, rng.random(300) < 0.4, domain, rng).differs
    assert found <= 1


def test_copies_of_a_record_do_not_give_it_away() -> None:
    """Every record stands twice in its part: whoever has seen its copy would know."""
    rng = np.random.default_rng(0)
    x = np.repeat(rng.normal(size=(300, 4)), 2, axis=0)
    member = np.repeat(rng.random(300) < 0.5, 2)
    domain: TableDomain = shifted(0, certainty, n=20).domain
    blind = measure_blind(Data(x=x, y=np.zeros(600, dtype=np.int64)), member, domain, rng)
    assert not blind.differs


def test_matched_records_are_alike() -> None:
    rng = np.random.default_rng(0)
    role = rng.integers(0, 3, 6000)
    chance = rng.normal(size=6000) + (role == 0)
    kept = match_strata(chance, tuple(role == r for r in range(3)), rng)
    inside, outside = kept & (role == 0), kept & (role != 0)
    assert abs(auc(chance[inside], chance[outside]).value - 0.5) < 0.03
    assert inside.sum() > 600
