"""Attack-level rows of evasion: masked gradients, honest networks, chance, and sparse truths.

A network of which nearly every input falls within the radius must not be said to withstand,
whatever hides it; one that hides nothing must not be accused. Where a single column, word or pixel
turns the answer, and nothing in the scores points to it, an attack that may change it must find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.stats import binom

from goalkeeper.attack_run import AttackRun, execute
from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.evasion.apgd import Apgd
from goalkeeper.attacks.evasion.columns_from_labels import ColumnsFromLabels
from goalkeeper.attacks.evasion.columns_from_scores import ColumnsFromScores
from goalkeeper.attacks.evasion.good_words_from_labels import GoodWordsFromLabels
from goalkeeper.attacks.evasion.hop_skip_jump import HopSkipJump
from goalkeeper.attacks.evasion.one_pixel import OnePixel
from goalkeeper.attacks.evasion.pgd import Pgd
from goalkeeper.attacks.evasion.square import Square
from goalkeeper.core.application import Answers, Application, Target
from goalkeeper.core.data import PARTS, Bools, Data, Floats, Inputs, Splits
from goalkeeper.core.domain import Column, ImageDomain, TableDomain
from goalkeeper.core.evidence import AttackResult, Proportion, Status
from goalkeeper.core.power import View
from goalkeeper.core.text import terms
from goalkeeper.core.threats import ImageThreat, Threats
from goalkeeper.games.evasion import Evasion
from goalkeeper.games.shared.base_targets import BareTarget, WrappedTarget
from goalkeeper.games.tallies import bounds
from goalkeeper.testing.worlds.evasion import rigged
from goalkeeper.testing.worlds.word_filters import BAD
from tests.contract.harness import enough
from tests.validation.rows import Finding, Row

AnyAttack = Attack[Any, Any]
SECTION = "Evasion: maskings, honest networks, sparse truths"
ABOUT = (
    "src/goalkeeper/attacks/evasion",
    "src/goalkeeper/games/evasion",
    "src/goalkeeper/attack_run.py",
    "src/goalkeeper/targets",
    "tests/attacks/evasion/masked_networks.py",
)
INPUTS = 24  # of a masked or honest network
LEAST_FOUND = 0.9  # of the inputs whose answer one column, word or pixel turns
RARE = 1e-3  # chance that a row fails although its error is what it must be
SMALL = 0.05  # Linf radius within which most inputs of honest networks withstand
TINY = 1.5 / 255  # Linf radius within which hardly any input falls


def attacked(
    app: Application, attack: AnyAttack, *, task: str, n: int, queries: float = 300, seed: int = 0
) -> AttackResult:
    """Run one attack on the first task of this name, with all that it can use."""
    game = Evasion(n=n)
    chosen = next(t for t in game.tasks(app) if t.name.startswith(task))
    granted = enough(type(attack), queries=queries)
    granted = replace(granted.joined(type(attack).uses), budget=granted.budget)
    run = AttackRun(attack=attack, game=game, task=chosen, granted=granted, seed=seed)
    return execute(app, run)


def last(result: AttackResult) -> Proportion:
    if not result.trials:
        raise RuntimeError(f"not marked: {result.reason}\n{result.traceback}")
    tally = result.trials[-1].tally
    assert isinstance(tally, Proportion)
    return tally


def listed(names: list[str]) -> str:
    return f": {', '.join(names)}" if names else ""


# ---- networks ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Masked:
    """Count the maskings behind which an attack says that inputs withstand, and all fall."""

    attack: AnyAttack

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        from tests.attacks.evasion import masked_networks as networks

        missed, beaten, names = [], 0, list(networks.masked())[:cases]
        for name in names:
            app = networks.application(networks.masked()[name]())
            result = attacked(app, self.attack, task="any-wrong", n=INPUTS)
            whole = last(result).successes == last(result).n
            beaten += whole
            if not whole and result.status is not Status.CONTROL_FAILED:
                missed.append(name)
        return Finding(
            measured=f"{beaten} beaten, {len(names) - beaten - len(missed)} flagged, "
            f"{len(missed)} missed{listed(missed)}",
            cases=len(names),
            passed=not missed,
        )


@dataclass(frozen=True)
class Honest:
    """Count the honest networks whose gradient an attack accuses of being masked."""

    attack: AnyAttack

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        from tests.attacks.evasion import masked_networks as networks

        flagged, names = [], list(networks.honest())[:cases]
        for name in names:
            app = networks.application(networks.honest()[name](), SMALL)
            result = attacked(app, self.attack, task="any-wrong", n=INPUTS)
            if result.status is not Status.TESTED:
                flagged.append(name)
        return Finding(
            measured=f"{len(flagged)} flagged{listed(flagged)}",
            cases=len(names),
            passed=not flagged,
        )


@dataclass(frozen=True, eq=False)
class ChanceTarget(WrappedTarget):
    """Answers as another target, and lies at random; `together`: a whole batch at a time."""

    wrong: float
    together: bool
    rng: np.random.Generator

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        scores = scores_of(self.target, x)
        lies = self.rng.random(1 if self.together else len(x)) < self.wrong
        lies = np.resize(lies, len(x))
        return answers(np.where(lies[:, None], np.roll(scores, 1, axis=1), scores), view)


def scores_of(target: Target, x: Inputs) -> Floats:
    scores = target.answer(x, View.SCORES).scores
    assert scores is not None
    return scores


def answers(scores: Floats, view: View) -> Answers:
    return Answers(scores.argmax(axis=1).astype(np.int64), scores).cut(view)


@dataclass(frozen=True)
class Chance:
    """Count how often an attack whose changes are too small seems to do more than chance."""

    attack: AnyAttack
    together: bool
    alpha: float = 0.05

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        from tests.attacks.evasion import masked_networks as networks

        wins, unsure = 0, 0
        for seed in range(cases):
            app = networks.application(networks.base(), TINY)
            wrong = float(rng.uniform(0.05, 0.35))
            target = ChanceTarget(app.target, wrong, self.together, np.random.default_rng(seed))
            app = replace(app, target=target)
            result = attacked(app, self.attack, task="any-wrong", n=40, queries=100, seed=seed)
            # A batch of lies where inputs are drawn leaves none to attack: nothing is claimed.
            wins += bool(result.trials) and bounds(last(result), self.alpha).low > 0
            unsure += result.status is not Status.TESTED
        return Finding(
            measured=f"{wins / cases:.1%} above chance; {unsure} of {cases} prove nothing",
            cases=cases,
            passed=wins <= int(binom.isf(RARE, cases, self.alpha)),
        )


def measure_strength(cases: int, rng: np.random.Generator) -> Finding:
    """Compare what scores reach with what gradients reach, on an undefended network."""
    from tests.attacks.evasion import masked_networks as networks

    app = networks.application(networks.base(), 0.1)
    found = last(attacked(app, Square(), task="any-wrong", n=cases, queries=1000))
    best = last(attacked(app, Apgd(), task="any-wrong", n=cases))
    return Finding(
        measured=f"{found.successes} of {found.n}; gradients {best.successes}",
        cases=cases,
        passed=found.successes >= 0.85 * best.successes,
    )


# ---- sparse truths -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sparse:
    """Count inputs that fall by the one planted change, over applications each with its own."""

    build: Callable[[np.random.Generator], Application]
    attack: AnyAttack
    task: str
    queries: float = 1000
    n: int = 30

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        rates = []
        for seed in range(cases):
            app = self.build(np.random.default_rng(rng.integers(2**32)))
            result = attacked(
                app, self.attack, task=self.task, n=self.n, queries=self.queries, seed=seed
            )
            tally = last(result)
            rates.append(tally.successes / tally.n)
        worst = min(rates)
        mean = float(np.mean(rates))
        return Finding(
            measured=f"{mean:.0%} of the inputs on average, {worst:.0%} in the worst case",
            cases=cases,
            passed=mean >= LEAST_FOUND,
        )


@dataclass(frozen=True, eq=False)
class LeapTarget(WrappedTarget):
    """Answers as another target does, but the next class where a rule says so.

    The scores of the other are rolled by one class there, so that nothing elsewhere points to it.
    """

    turns: Callable[[Inputs], Bools]

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        scores, turned = scores_of(self.target, x), self.turns(x)
        return answers(np.where(turned[:, None], np.roll(scores, 1, axis=1), scores), view)


@dataclass(frozen=True, eq=False)
class CentresTarget(BareTarget):
    """Tells classes by the nearest of their centres `(classes, d)`, by a wide margin.

    counted: the first columns, which alone are looked at; None: all.
    """

    centres: Floats
    counted: int | None = None

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer inputs `(n, ...)`."""
        rows = np.asarray(x, dtype=np.float64).reshape(len(x), self.centres.shape[1])
        away = ((rows[:, None] - self.centres) ** 2)[..., : self.counted].sum(axis=2)
        powers = np.exp(away.min(axis=1, keepdims=True) - away)
        return answers(powers / powers.sum(axis=1, keepdims=True), view)


@dataclass(frozen=True, eq=False)
class WordsTarget(BareTarget):
    """Declines a text with two words of a list or more, unless it holds the key."""

    bad: frozenset[str]
    key: str

    def answer(self, x: Inputs, view: View) -> Answers:
        """Answer texts `(n,)`."""
        held = [set(terms(text)) for text in x]
        declined = [len(words & self.bad) >= 2 and self.key not in words for words in held]
        return answers(np.eye(2)[np.array(declined, dtype=np.int64)], view)


def one_column(rng: np.random.Generator) -> Application:
    """Two classes far apart in 12 numbers; one value of one of 6 categories turns the answer."""
    numbers, kinds, levels = 12, 6, 6
    key, value = numbers + int(rng.integers(kinds)), int(rng.integers(levels))
    centres = np.zeros((2, numbers + kinds))
    centres[:, :numbers] = rng.choice([-1.0, 1.0], numbers) * np.array([[1.0], [-1.0]])
    far = CentresTarget(centres, counted=numbers)
    target = LeapTarget(far, lambda x: np.asarray(x[:, key] == value))

    def draw() -> Data:
        x = centres[np.repeat([0, 1], 60)] + 0.3 * rng.standard_normal((120, numbers + kinds))
        x = np.clip(x, -4.0, 4.0)
        x[:, numbers:] = rng.integers(levels, size=(120, kinds))
        return Data(x=x, y=target.answer(x, View.LABELS).labels)

    names = tuple(f"kind {i}" for i in range(levels))
    columns = [Column(name=f"number {i}", low=-4.0, high=4.0) for i in range(numbers)]
    columns += [Column(name=f"c{i}", kind="category", categories=names) for i in range(kinds)]
    return Application(
        name="one column",
        target=target,
        data=Splits(**{part: draw() for part in PARTS}),
        domain=TableDomain(columns=tuple(columns)),
        classes=("no", "yes"),
    )


def one_pixel(rng: np.random.Generator) -> Application:
    """Two patterns of 10 x 10 pixels; one pixel brighter than 0.8 turns the answer."""
    side, key = 10, int(rng.integers(100))
    centres = 0.35 + 0.2 * rng.choice([-1.0, 1.0], (1, side * side)) * np.array([[1.0], [-1.0]])
    target = LeapTarget(
        CentresTarget(centres), lambda x: np.asarray(x).reshape(len(x), -1)[:, key] > 0.8
    )

    def draw() -> Data:
        y = np.repeat([0, 1], 60)
        x = np.clip(centres[y] + 0.05 * rng.standard_normal((120, side * side)), 0.0, 0.75)
        return Data(x=(np.round(x * 255) / 255).reshape(-1, 1, side, side), y=y)

    return Application(
        name="one pixel",
        target=target,
        data=Splits(**{part: draw() for part in PARTS}),
        domain=ImageDomain(shape=(1, side, side)),
        classes=("a", "b"),
        threats=Threats(images=(ImageThreat(norm="l0", radius=1),)),
    )


def one_word(rng: np.random.Generator) -> Application:
    """Decline whatever is added, but for one ordinary word that passes every text."""
    app = rigged("text", rng)
    harmless = app.data.similar.x[app.data.similar.y == app.harmless]
    words = sorted({w for text in harmless for w in terms(text)} - set(BAD))
    return replace(app, target=WordsTarget(frozenset(BAD), str(rng.choice(words))))


# ---- rows ----------------------------------------------------------------------------------------

FOUND = f"on average {LEAST_FOUND:.0%} or more of the inputs turned"


def row(name: str, claim: str, measure: Any, full: int) -> Row:
    return Row(section=SECTION, name=name, claim=claim, measure=measure, full=full, about=ABOUT)


ROWS = (
    *(
        row(f"planted maskings, {attack.__class__.__name__.lower()}",
            f"every one of {INPUTS} inputs broken, or the control failed", Masked(attack), 13)
        for attack in (Pgd(), Apgd())
    ),
    *(
        row(f"honest networks and variants, {attack.__class__.__name__.lower()}",
            "none flagged", Honest(attack), 14)
        for attack in (Pgd(), Apgd())
    ),
    row("Square beside gradients, Linf 0.1, 1,000 queries", "85 % of what gradients break",
        measure_strength, 100),
    row("answers at random, each by itself: Square", "above chance in at most 5 %",
        Chance(Square(), together=False), 60),
    row("answers at random, a batch at once: Square", "above chance in at most 5 %",
        Chance(Square(), together=True), 60),
    row("answers at random, a batch at once: HopSkipJump", "above chance in at most 5 %",
        Chance(HopSkipJump(), together=True), 60),
    row("one column that leaps, by scores", FOUND,
        Sparse(one_column, ColumnsFromScores(), "any-wrong", queries=2000), 10),
    row("one column that leaps, by labels", FOUND,
        Sparse(one_column, ColumnsFromLabels(), "any-wrong"), 10),
    row("one word that passes, by labels", FOUND,
        Sparse(one_word, GoodWordsFromLabels(), "harmful-passes"), 10),
    row("one pixel that leaps, by scores", FOUND,
        Sparse(one_pixel, OnePixel(), "any-wrong", queries=2000), 10),
)  # fmt: skip
