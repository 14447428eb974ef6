"""Mark flipped bits: how many correct answers turn wrong, beside as many random flips."""

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
from goalkeeper.core.stored_numbers import (
    Stored,
    as_floats,
    is_floating,
    name_kind,
    rewrite_numbers,
)
from goalkeeper.games.base import Marking
from goalkeeper.games.bit_flips.bits import (
    Flip,
    bit_width,
    draw_flips,
    flip_bits,
)
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.wording import percent
from goalkeeper.games.tallies import estimate_tally, paired_proportion
from goalkeeper.stats import clopper_pearson, mean_t

SHOWN = 8  # flips of an example
LISTED = 8  # arrays that are named in a caveat
PROBED = 100  # inputs that a model with one flipped exponent bit is asked about


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FlipAim:
    """Name bits of the stored numbers, the most harmful first; `counts` of them are evaluated.

    `stored` are the numbers as they are stored, by name: flips name places in them.
    """

    counts: tuple[int, ...]
    stored: Stored


Flips = Sequence[Flip]


@dataclass(frozen=True, eq=False, slots=True)
class _Outcome:
    """What a model with flipped bits did: which answers turned wrong `(n,)`; none if it failed."""

    wrong: Bools
    failed: bool


@dataclass(frozen=True, eq=False, slots=True)
class _Tester:
    """Asks changed models about inputs that the genuine model classifies correctly."""

    target: Target
    inputs: Data
    stored: Stored

    def restricted_to(self, rows: Bools) -> _Tester:
        """Return a tester that asks only about these inputs."""
        return _Tester(self.target, self.inputs.take(rows), self.stored)

    def test(self, flips: Flips) -> _Outcome:
        """Flip bits and ask; a model that fails visibly gives no wrong answers."""
        with np.errstate(all="ignore"):  # weights of 1e300 overflow, as they do in use
            try:
                changed = rewrite_numbers(self.target, flip_bits(self.stored, flips))
                labels = changed.answer(self.inputs.x, View.LABELS).labels
            except (TargetError, ArithmeticError):
                return _Outcome(np.zeros(len(self.inputs), dtype=bool), failed=True)
        return _Outcome(np.asarray(labels != self.inputs.y), failed=False)


def draw_correct(app: Application, most: int, rng: np.random.Generator) -> Data:
    """Draw holdout inputs that the application classifies correctly, at most so many."""
    holdout = app.data.holdout
    labels = app.target.answer(holdout.x, View.LABELS).labels
    rows = rng.permutation(np.flatnonzero(labels == holdout.y))[:most]
    return holdout.take(np.sort(rows))


def mark(marking: Marking[FlipAim, None, Flips], *, draws: int, most: int) -> AttackResult:
    """Evaluate the first 1, 2, 5, ... flips, each beside random flips of equal number.

    Parameters
    ----------
    marking
        The answer, and what it was given to.
    draws
        Sets of random flips that share the inputs among them.
    most
        Inputs that are asked about, at most.
    """
    app, aim, rng = marking.app, marking.deal.question, marking.rng
    flips = _checked(marking.final.answer, aim)
    inputs = draw_correct(app, most, rng)
    if len(inputs) == 0:
        return AttackResult(
            status=Status.NOT_TESTED,
            reason="inconclusive: the application classifies no holdout input correctly",
        )
    tester = _Tester(app.target, inputs, aim.stored)
    counts = sorted({min(count, len(flips)) for count in aim.counts} - {0})
    if not counts:
        counts, flips = [0], []
    outcomes = [tester.test(flips[:count]) for count in counts]
    baseline = [_flip_at_random(tester, max(count, 1), draws, rng) for count in counts]
    pairs = zip(outcomes, baseline, strict=True)
    tallies = [paired_proportion(out.wrong, wrong) for out, (wrong, _) in pairs]
    exponent = _flip_one_exponent(tester, draws, rng)
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(counts, tallies),
        measurements=(
            _headline(tallies[-1], counts[-1]),
            *_flips_to_half(counts, tallies),
            *exponent,
        ),
        trials=tuple(
            Trial(budget=float(count), queries=0.0, tally=tally)
            for count, tally in zip(counts, tallies, strict=True)
        ),
        outcomes=keep_outcomes(app, inputs.x, outcomes[-1].wrong, baseline[-1][0]),
        curve=_curve(counts, tallies),
        caveats=(
            *_caveats(aim, flips, outcomes[-1], sum(failed for _, failed in baseline)),
            *_caveat_on_check(app),
        ),
        exhibits=(_exhibit(aim.stored, flips),),
    )


def _checked(answer: Flips, aim: FlipAim) -> list[Flip]:
    flips = list(answer)
    if not all(isinstance(flip, Flip) for flip in flips):
        raise DataError("an answer must be a sequence of flips, the most harmful first")
    if len(set(flips)) != len(flips):
        raise ChangeRefused("a bit was flipped twice, which changes nothing")
    flip_bits(aim.stored, flips)
    return flips


def _flip_at_random(
    tester: _Tester, count: int, draws: int, rng: np.random.Generator
) -> tuple[Bools, int]:
    """Ask about each input under one of several sets of random flips; count models that failed.

    One model answers for many inputs, so that a single unlucky set does not decide the baseline.
    """
    n = len(tester.inputs)
    which: Ints = rng.permutation(n) % draws
    wrong, failed = np.zeros(n, dtype=bool), 0
    for draw in range(min(draws, n)):
        flips = draw_flips(tester.stored, count, rng)
        outcome = tester.restricted_to(which == draw).test(flips)
        wrong[which == draw] = outcome.wrong
        failed += outcome.failed
    return wrong, failed


def _flip_one_exponent(
    tester: _Tester, draws: int, rng: np.random.Generator
) -> tuple[Measurement, ...]:
    """Flip the highest bit of the exponent of one number drawn at random, many times over."""
    names = [name for name, values in tester.stored.items() if is_floating(values.dtype)]
    sizes = np.array([tester.stored[name].size for name in names], dtype=np.float64)
    if not names or draws < 2:
        return ()
    probe = tester.restricted_to(np.arange(len(tester.inputs)) < PROBED)
    shares, failed = [], 0
    for _ in range(draws):
        name = names[int(rng.choice(len(names), p=sizes / sizes.sum()))]
        values = tester.stored[name]
        flip = Flip(name, int(rng.integers(values.size)), bit_width(values.dtype) - 2)
        outcome = probe.test([flip])
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
            note="mean share of correct answers that turn wrong when the highest exponent bit of "
            f"one random number is flipped; {failed} of {draws} such models failed visibly",
        ),
    )


# ---- what is shown -------------------------------------------------------------------------------


def _headline(tally: Proportion, count: int) -> Measurement:
    value, low, high = estimate_tally(tally)
    return Measurement(
        metric="success_rate",
        value=value,
        low=low,
        high=high,
        baseline=tally.baseline_successes / tally.baseline_n,
        n=tally.n,
        note=f"correct answers that turn wrong; flipped bits: {count}; baseline: as many at random",
    )


def _flips_to_half(counts: Sequence[int], tallies: Sequence[Proportion]) -> tuple[Measurement, ...]:
    """Return the fewest flips by which half of the correct answers turn wrong, if any do."""
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
            note="the fewest flips tried by which half of the correct answers turn wrong",
        ),
    )


def _summary(counts: Sequence[int], tallies: Sequence[Proportion]) -> str:
    last = tallies[-1]
    if counts[-1] == 0:
        return f"None of the bit flips that were tried turns any of {last.n} correct answers wrong."
    parts = [
        f"{percent(tally.successes / tally.n)} with {count}"
        for count, tally in zip(counts, tallies, strict=True)
        if count in (counts[0], counts[-1])
    ]
    return (
        f"Share of {last.n} correct answers that turn wrong when stored bits are flipped: "
        f"{', '.join(parts)} chosen {'bit' if counts[-1] == 1 else 'bits'}; "
        f"{percent(last.baseline_successes / last.baseline_n)} with as many at random."
    )


def _caveats(aim: FlipAim, flips: Flips, final: _Outcome, failed: int) -> tuple[str, ...]:
    after = flip_bits(aim.stored, flips)
    odd = sum(int((~np.isfinite(as_floats(after[n]))).sum()) for n in {f.name for f in flips})
    caveats = [f"bits were flipped in numbers as they are stored: {_list_arrays(aim.stored)}"]
    if final.failed:
        caveats.append(
            "with all flips the model fails visibly: it raises an error, or answers with no numbers"
        )
    if odd:
        caveats.append(f"{odd} of the flipped numbers are infinite or not a number")
    if failed:
        caveats.append(f"{failed} models with random flips failed visibly")
    return tuple(caveats)


def _list_arrays(stored: Stored) -> str:
    """List the stored arrays, the largest of them where there are many."""
    largest = sorted(stored, key=lambda name: -stored[name].size)[:LISTED]
    parts = [
        f"{name} ({name_kind(values.dtype)}, {values.size:,})"
        for name, values in stored.items()
        if name in largest
    ]
    rest = len(stored) - len(parts)
    return ", ".join(parts) + (f" and {rest:,} smaller arrays" if rest else "")


def _caveat_on_check(app: Application) -> tuple[str, ...]:
    if app.storage is None or not app.storage.protection:
        return ()
    return (
        f"flips in the file would meet the described check ({app.storage.protection}); what is "
        "measured here are flips after that check, in memory",
    )


def _exhibit(stored: Stored, flips: Flips) -> Exhibit:
    lines = []
    for flip in flips[:SHOWN]:
        values = as_floats(stored[flip.name]).reshape(-1)
        changed = flip_bits({flip.name: stored[flip.name]}, [flip])[flip.name]
        after = as_floats(changed).reshape(-1)
        lines.append(
            f"{flip.name}[{flip.index}] bit {flip.bit}: "
            f"{values[flip.index]:.6g} becomes {after[flip.index]:.6g}"
        )
    return Exhibit(title="the first flipped bits", after="\n".join(lines) or "none")


def _curve(counts: Sequence[int], tallies: Sequence[Proportion]) -> Curve:
    estimates = [estimate_tally(tally) for tally in tallies]
    return Curve(
        budget="flipped bits",
        unit="bits",
        x=tuple(float(count) for count in counts),
        value=tuple(e.value for e in estimates),
        low=tuple(e.low for e in estimates),
        high=tuple(e.high for e in estimates),
    )
