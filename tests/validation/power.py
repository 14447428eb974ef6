"""Power and false alarms of each family, at zero, small and full leakage.

The applications are simulated, so that the truth is known: one that leaks nothing, one that leaks
all of it, and one in which only a share of the inputs, or a signal in much noise, leaks.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binom

from goalkeeper.attack_run import AttackRun, evaluate
from goalkeeper.attacks import catalogue
from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import Inputs, row_keys
from goalkeeper.core.power import View
from goalkeeper.games.shared.base_targets import WrappedTarget
from goalkeeper.games.tallies import beats_baseline
from goalkeeper.testing.arena import alternatives, enough, seeded, task_of
from goalkeeper.testing.worlds import (
    attribute,
    evasion,
    extraction,
    inversion,
    membership,
)
from goalkeeper.testing.worlds import (
    property as properties,
)
from goalkeeper.testing.worlds.kit import FixedRuleTrainer
from tests.validation.rows import Finding, Row

SECTION = "Power and false alarms"
RARE = 1e-3  # chance that a row of false alarms fails although each bound errs as it must
SIDE = 0.025  # error of the lower bound of what a report shows
World = Callable[[np.random.Generator], Application]


@dataclass(frozen=True, eq=False)
class Mixed(WrappedTarget):
    """A target that answers a share of the inputs as a leaking one, and the rest as another."""

    leaking: Target
    share: float

    @property
    def offers(self) -> View:
        """What both offer."""
        return min(self.target.offers, self.leaking.offers)

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`; equal inputs are answered by the same target."""
        drawn = np.array([zlib.crc32(bytes(key)) / 2**32 for key in row_keys(x)])
        leaks = drawn < self.share
        one, other = self.leaking.answer(x, view), self.target.answer(x, view)
        labels = np.where(leaks, one.labels, other.labels)
        if view < View.SCORES:
            return Answers(labels)
        return Answers(labels, np.where(leaks[:, None], one.scores, other.scores))


@dataclass(frozen=True)
class Wins:
    """Count the applications of which an attack shows more than chance and the attacker's own.

    `least` and `most`: shares of applications between which it must win; the chance of the draw
    is allowed for.
    """

    attack: str
    task: str
    world: World
    least: float
    most: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Run the attack once against each of as many applications."""
        wins = sum(self._wins(seed) for seed in rng.integers(0, 2**31, cases).tolist())
        low, high = binom.ppf(RARE, cases, self.least), binom.isf(RARE, cases, self.most)
        return Finding(
            measured=f"shown in {wins / cases:.0%}", cases=cases, passed=bool(low <= wins <= high)
        )

    def _wins(self, seed: int) -> bool:
        attack, app = catalogue()[self.attack], self.world(seeded(seed))
        run = AttackRun(
            attack=attack(),
            game=attack.game().smaller(),
            task=task_of(attack.game, app, self.task),
            granted=enough(attack),
            seed=seed,
            needs=alternatives(attack),
        )
        trials = evaluate(app, run).trials
        return bool(trials) and beats_baseline(trials[-1].tally, SIDE)


def _mixed(
    share: float, rigged: World, plain: Callable[[Application, np.random.Generator], Target]
) -> World:
    def world(rng: np.random.Generator) -> Application:
        app = rigged(rng)
        return replace(app, target=Mixed(plain(app, rng), app.target, share))

    return world


def _random_weights(app: Application, rng: np.random.Generator) -> Target:
    target: Any = app.target
    mixed: Target = replace(target, weights=rng.permuted(target.weights, axis=1))
    return mixed


def _without_hidden(app: Application, rng: np.random.Generator) -> Target:
    revealing: Any = app.target
    inner: Target = revealing.target
    return inner


MANY = membership.MANY
SMALL_WORLDS: dict[str, World] = {
    "membership": _mixed(
        0.1,
        lambda rng: membership.rigged("table", rng),
        lambda app, rng: FixedRuleTrainer(MANY).fit(app.data.train, 1),
    ),
    "attribute": _mixed(
        0.15,
        lambda rng: attribute.rigged("table", rng),
        _without_hidden,
    ),
    "property": lambda rng: properties.rigged("table", rng, noise=0.3),
    "inversion": _mixed(0.3, lambda rng: inversion.rigged("table", rng), _random_weights),
    "extraction": _mixed(
        0.3,
        lambda rng: extraction.rigged("table", rng),
        lambda app, rng: extraction.fair("table", rng).target,
    ),
}
ATTACKS: dict[str, tuple[str, str, Any]] = {
    "membership": ("loss_threshold", "membership", membership),
    "attribute": ("attribute_from_scores", "attribute-blood", attribute),
    "property": ("property_threshold_test", "property-team", properties),
    "inversion": ("class_average_from_scores", "class-average", inversion),
    "extraction": ("equation_solving", "copy", extraction),
    "evasion": ("columns_from_scores", "harmful-passes", evasion),
}
CASES = {"zero": (60, 0.0, SIDE), "small": (20, 0.25, 1.0), "full": (20, 0.9, 1.0)}
SLOW = {"extraction"}  # of which a third of the applications must do


def _row(family: str, leakage: str) -> Row:
    attack, task, worlds = ATTACKS[family]
    cases, least, most = CASES[leakage]
    found: dict[str, World] = {
        "zero": partial(worlds.fair, "table"),
        "full": partial(worlds.rigged, "table"),
        "small": SMALL_WORLDS.get(family, partial(worlds.rigged, "table")),
    }
    claim = f"in at most {most:.1%}" if leakage == "zero" else f"in at least {least:.0%}"
    return Row(
        section=SECTION,
        name=f"{family} ({attack}), {leakage} leakage",
        claim=claim,
        measure=Wins(attack, task, found[leakage], least, most),
        full=cases // 3 if family in SLOW else cases,
        about=("src/goalkeeper",),
    )


ROWS = tuple(
    _row(family, leakage)
    for family in ATTACKS
    for leakage in CASES
    if leakage != "small" or family in SMALL_WORLDS
)
