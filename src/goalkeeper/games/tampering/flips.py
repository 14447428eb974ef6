"""Mark flipped bits: how many right answers turn wrong, beside as many flips at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Bools, Data, Ints
from goalkeeper.core.errors import ChangeRefused, DataError, TargetError
from goalkeeper.core.evidence import (
    AttackResult,
    Curve,
    Exhibit,
    Measurement,
    Proportion,
    Status,
    Trial,
)
from goalkeeper.core.power import View
from goalkeeper.games.tallies import shown
from goalkeeper.games.tampering.bits import Flip, Stored, at_random, flipped, rewritten, width
from goalkeeper.stats import clopper_pearson, mean_t

SHOWN = 8  # flips of an example
PROBED = 100  # inputs that a model with one flipped exponent bit is asked about


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FlipAim:
    """Name bits of the stored numbers, the most harmful first; `counts` of them are judged.

    `stored` are the numbers as they are stored, by name: flips name places in them.
    """

    counts: tuple[int, ...]
    stored: Stored


Flips = Sequence[Flip]


@dataclass(frozen=True, eq=False, slots=True)
class _Outcome:
    """What a model with flipped bits did: answers newly wrong `(n,)`, or none at all."""

    wrong: Bools
    failed: bool


@dataclass(frozen=True, eq=False, slots=True)
class _Judge:
    """Asks changed models about inputs that the model answers rightly."""

    target: Target
    inputs: Data
    stored: Stored

    def only(self, rows: Bools) -> _Judge:
        """Ask about some of the inputs only."""
        return _Judge(self.target, self.inputs.take(rows), self.stored)

    def outcome(self, flips: Flips) -> _Outcome:
        """Flip bits and ask; a model that fails visibly gives no wrong answers."""
        with np.errstate(all="ignore"):  # weights of 1e300 overflow, as they do in use
            try:
                changed = rewritten(self.target, flipped(self.stored, flips))
                labels = changed.answer(self.inputs.x, View.LABELS).labels
            except (TargetError, ArithmeticError):
                return _Outcome(np.zeros(len(self.inputs), dtype=bool), failed=True)
        return _Outcome(np.asarray(labels != self.inputs.y), failed=False)


def right_before(app: Application, most: int, rng: np.random.Generator) -> Data:
    """Draw holdout inputs that the application answers rightly."""
    holdout = app.data.holdout
    labels = app.target.answer(holdout.x, View.LABELS).labels
    rows = rng.permutation(np.flatnonzero(labels == holdout.y))[:most]
    return holdout.take(np.sort(rows))


def mark(
    app: Application, aim: FlipAim, answer: Flips, size: tuple[int, int], rng: np.random.Generator
) -> AttackResult:
    """Judge the first 1, 2, 5, ... flips, each beside random flips of equal number.

    `size` is how many sets of random flips share the inputs among them, and how many inputs are
    asked about at most.
    """
    draws, most = size
    flips = _checked(answer, aim)
    inputs = right_before(app, most, rng)
    if len(inputs) == 0:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason="inconclusive: the application answers no holdout input rightly",
        )
    judge = _Judge(app.target, inputs, aim.stored)
    counts = sorted({min(count, len(flips)) for count in aim.counts} - {0})
    if not counts:
        counts, flips = [0], []
    outcomes = [judge.outcome(flips[:count]) for count in counts]
    blind = [_blindly(judge, max(count, 1), draws, rng) for count in counts]
    tallies = [_tally(out.wrong, wrong) for out, (wrong, _) in zip(outcomes, blind, strict=True)]
    exponent = _one_exponent(judge, draws, rng)
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(counts, tallies),
        measurements=(_headline(tallies[-1], counts[-1]), *_half(counts, tallies), *exponent),
        trials=tuple(
            Trial(budget=float(count), queries=0.0, tally=tally)
            for count, tally in zip(counts, tallies, strict=True)
        ),
        curve=_curve(counts, tallies),
        caveats=(
            *_caveats(aim, flips, outcomes[-1], sum(failed for _, failed in blind)),
            *_checked_at_start(app),
        ),
        exhibits=(_exhibit(aim.stored, flips),),
    )


def _checked(answer: Flips, aim: FlipAim) -> list[Flip]:
    flips = list(answer)
    if not all(isinstance(flip, Flip) for flip in flips):
        raise DataError("an answer must be a sequence of flips, the most harmful first")
    if len(set(flips)) != len(flips):
        raise ChangeRefused("a bit was flipped twice, which changes nothing")
    flipped(aim.stored, flips)
    return flips


def _tally(wrong: Bools, blind: Bools) -> Proportion:
    return Proportion(
        successes=int(wrong.sum()),
        n=len(wrong),
        baseline_successes=int(blind.sum()),
        baseline_n=len(blind),
    )


def _blindly(judge: _Judge, count: int, draws: int, rng: np.random.Generator) -> tuple[Bools, int]:
    """Let each input be judged by one of several sets of random flips; count those that failed."""
    n = len(judge.inputs)
    which: Ints = rng.permutation(n) % draws
    wrong, failed = np.zeros(n, dtype=bool), 0
    for draw in range(min(draws, n)):
        flips = at_random(judge.stored, count, rng)
        outcome = judge.only(which == draw).outcome(flips)
        wrong[which == draw] = outcome.wrong
        failed += outcome.failed
    return wrong, failed


def _one_exponent(judge: _Judge, draws: int, rng: np.random.Generator) -> tuple[Measurement, ...]:
    """Flip the highest bit of the exponent of one number drawn at random, many times over."""
    names = [name for name, values in judge.stored.items() if values.dtype.kind == "f"]
    sizes = np.array([judge.stored[name].size for name in names], dtype=np.float64)
    if not names or draws < 2:
        return ()
    some = judge.only(np.arange(len(judge.inputs)) < PROBED)
    shares, failed = [], 0
    for _ in range(draws):
        name = names[int(rng.choice(len(names), p=sizes / sizes.sum()))]
        values = judge.stored[name]
        flip = Flip(name, int(rng.integers(values.size)), width(values.dtype) - 2)
        outcome = some.outcome([flip])
        shares.append(float(outcome.wrong.mean()))
        failed += outcome.failed
    span = mean_t(shares)
    return (
        Measurement(
            metric="one exponent bit at random",
            value=float(np.mean(shares)),
            low=max(0.0, span.low),
            high=min(1.0, span.high),
            baseline=0.0,
            n=draws,
            note="mean share of right answers that turn wrong when the highest exponent bit of "
            f"one random number is flipped; {failed} of {draws} such models failed visibly",
        ),
    )


# ---- what is shown -------------------------------------------------------------------------------


def _headline(tally: Proportion, count: int) -> Measurement:
    value, low, high = shown(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=f"right answers that turn wrong; flipped bits: {count}; baseline: as many at random",
    )


def _half(counts: Sequence[int], tallies: Sequence[Proportion]) -> tuple[Measurement, ...]:
    """Give the fewest flips by which half of the right answers turn wrong, if there are any."""
    reached = [c for c, t in zip(counts, tallies, strict=True) if 2 * t.successes >= t.n]
    if not reached:
        return ()
    sure = [
        c
        for c, t in zip(counts, tallies, strict=True)
        if clopper_pearson(t.successes, t.n).low >= 0.5
    ]
    possible = [
        c
        for c, t in zip(counts, tallies, strict=True)
        if clopper_pearson(t.successes, t.n).high >= 0.5
    ]
    return (
        Measurement(
            metric="flips to half of the answers",
            value=float(reached[0]),
            low=float(possible[0]),
            high=float(sure[0]) if sure else np.inf,
            baseline=np.inf,
            n=tallies[0].n,
            note="the fewest flips tried by which half of the right answers turn wrong",
        ),
    )


def _summary(counts: Sequence[int], tallies: Sequence[Proportion]) -> str:
    last = tallies[-1]
    if counts[-1] == 0:
        return f"No flip of a bit that was tried turns any of {last.n} right answers wrong."
    parts = [
        f"{tally.successes / tally.n:.1%} with {count}"
        for count, tally in zip(counts, tallies, strict=True)
        if count in (counts[0], counts[-1])
    ]
    return (
        f"Of {last.n} right answers, flipped bits of the stored numbers turn wrong: "
        f"{', '.join(parts)} chosen {'bit' if counts[-1] == 1 else 'bits'}; "
        f"{last.baseline_successes / last.baseline_n:.1%} with as many at random."
    )


def _caveats(aim: FlipAim, flips: Flips, final: _Outcome, failed: int) -> tuple[str, ...]:
    after = flipped(aim.stored, flips)
    odd = sum(int((~np.isfinite(v)).sum()) for v in after.values() if v.dtype.kind == "f")
    kinds = ", ".join(f"{n} ({v.dtype}, {v.size:,})" for n, v in aim.stored.items())
    said = [f"bits were flipped in the numbers that answer: {kinds}"]
    if final.failed:
        said.append("with all flips the model fails visibly: it raises, or answers no numbers")
    if odd:
        said.append(f"{odd} of the flipped numbers are infinite or no numbers")
    if failed:
        said.append(f"{failed} models with random flips failed visibly")
    return tuple(said)


def _checked_at_start(app: Application) -> tuple[str, ...]:
    if app.storage is None or not app.storage.protection:
        return ()
    return (
        f"flips in the file would meet the described check ({app.storage.protection}); what is "
        "measured here are flips after that check, in memory",
    )


def _exhibit(stored: Stored, flips: Flips) -> Exhibit:
    lines = []
    for flip in flips[:SHOWN]:
        values = stored[flip.name].reshape(-1)
        after = flipped({flip.name: stored[flip.name]}, [flip])[flip.name].reshape(-1)
        lines.append(
            f"{flip.name}[{flip.index}] bit {flip.bit}: "
            f"{values[flip.index]:.6g} becomes {after[flip.index]:.6g}"
        )
    return Exhibit(title="the first flipped bits", after="\n".join(lines) or "none")


def _curve(counts: Sequence[int], tallies: Sequence[Proportion]) -> Curve:
    estimates = [shown(tally) for tally in tallies]
    return Curve(
        budget="flipped bits",
        unit="bits",
        x=tuple(float(count) for count in counts),
        value=tuple(e.value for e in estimates),
        low=tuple(e.low for e in estimates),
        high=tuple(e.high for e in estimates),
    )
