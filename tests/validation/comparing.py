"""Comparisons of two runs: changes claimed without one, and changes found at the sizes named.

Pairs of assessments are simulated. Each has several attacks on each of two goals. Audits of success
shares follow the agenda of real runs: a first look at 50 items and, where that settles nothing, a
second at 200, of which the 50 are a part; they stop where the verdicts are settled, so that one
look is compared with another, and attacks are missing in one of the two. Gains and membership are
simulated without an agenda, as all attacks are compared there. Items are the same in both runs (an
item that is easy before is easy after) or drawn again. Gains are also simulated with another share
of the best without access in each run, and copies with another luck in each.

The sizes: a pair at the usual size is compared, and says how many items would tell a change of 5
points. Then another pair is simulated with as many items, and a change of 5 points is planted in
one of its attacks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import beta, binom, norm

from goalkeeper.comparing import AttackChange, Comparison, Direction, compare
from goalkeeper.comparing.gains import LUCK_OF_COPIES
from goalkeeper.core.assessment import (
    ApplicationRow,
    Assessment,
    PolicyRow,
    Tool,
)
from goalkeeper.core.data import Floats
from goalkeeper.core.evidence import (
    AttackResult,
    Evidence,
    Outcomes,
    Proportion,
    Ratio,
    RatioAt,
    Status,
    Tally,
    Trial,
)
from goalkeeper.core.goals import Goal
from goalkeeper.core.need import ProtectionNeed
from goalkeeper.core.outcomes import write_ranks
from goalkeeper.games.membership.roles import FALSE_POSITIVE_RATES, count_exceeded
from goalkeeper.games.tallies import paired_gain
from goalkeeper.planning.evidence import build_evidence
from goalkeeper.rate import rate
from tests.scheduling.making import POLICY, SECRECY, Case, agenda_of, plan_of
from tests.validation.rows import Finding, Row

FIRST, ALL = 50, 200
PER_GOAL = 4
GOALS = (Goal.INTEGRITY, Goal.AVAILABILITY)
CASES = tuple(
    Case(name=f"{goal}{i}", goals=(goal,), seconds=10.0 + i)
    for goal in GOALS
    for i in range(PER_GOAL)
)
RATES, CHANCE_OF_RATE = (0.02, 0.1, 0.3, 0.6), (0.5, 0.3, 0.1, 0.1)
FPRS = FALSE_POSITIVE_RATES
AUDITED = 0.05  # the rate of false positives at which members are told by as much as a case says
CALIBRATION = 2  # the role of a record that thresholds are chosen on
RARE = 1e-3  # chance that a row fails although the error is what it must be
ALPHA, POWER = 0.05, 0.8
CONCENTRATION = 2.0  # of the beta law of items: some are nearly always broken, some never
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PLANTED = 0.05
# Gains over another share in each run: shares that the best without access knows, the share of it
# that the attack loses, and how many items are drawn as before.
BESIDE, LOST, SAME = (0.3, 0.6, 0.9), 0.03, 0.8


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Items of one attack `(n,)`: what the attack reached, and what stands beside it."""

    first: int
    hits: Floats
    beside: Floats
    ranked: bool = False  # hits are scores, and roles are beside them

    def take(self, n: int) -> Sample:
        return replace(self, hits=self.hits[:n], beside=self.beside[:n])

    def result(self, tally: Callable[[Sample], Tally]) -> AttackResult:
        """Return the result of an attack run on these items."""
        places = range(self.first, self.first + len(self.hits))
        ids = "".join(ALPHABET[i >> s & 63] for i in places for s in (18, 12, 6, 0))
        return AttackResult(
            status=Status.TESTED,
            trials=(Trial(budget=1, queries=1, tally=tally(self)),),
            outcomes=Outcomes(
                ids=ids,
                hits=_digits(self.levels()),
                beside=_digits(self.beside),
                ranks=write_ranks(self.hits) if self.ranked else "",
            ),
        )

    def levels(self) -> Floats:
        """Count the thresholds that scores exceed; other outcomes are what they are."""
        if not self.ranked:
            return self.hits
        return count_exceeded(self.hits, self.hits[self.beside == CALIBRATION]).astype(float)


def _digits(values: Floats) -> str:
    return "".join(map(str, values.astype(int).tolist()))


# ---- what is measured ----------------------------------------------------------------------------


def share_tally(sample: Sample) -> Tally:
    """Count successes beside a baseline that never succeeds."""
    n, k = len(sample.hits), int(sample.hits.sum())
    return Proportion(successes=k, n=n, baseline_successes=0, baseline_n=n, both=0)


def gain_tally(sample: Sample) -> Tally:
    return paired_gain(sample.hits == 1, sample.beside == 1)


def ratio_tally(sample: Sample) -> Tally:
    levels = sample.levels()
    inside, outside = levels[sample.beside == 1], levels[sample.beside == 0]
    at = tuple(
        RatioAt(
            fpr=fpr,
            true_positives=int((inside >= len(FPRS) - i).sum()),
            positives=len(inside),
            false_positives=int((outside >= len(FPRS) - i).sum()),
            negatives=len(outside),
        )
        for i, fpr in enumerate(FPRS)
    )
    return Ratio(at=at)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of tally: how samples of it are drawn, and counted."""

    metric: str
    tally: Callable[[Sample], Tally]
    draw: Callable[[float, int, np.random.Generator], Callable[[float], tuple[Floats, Floats]]]
    ranked: bool = False
    game: str = "simulated"


def draw_shares(
    rate: float, n: int, rng: np.random.Generator
) -> Callable[[float], tuple[Floats, Floats]]:
    """Draw items of which a share `rate` is broken, but not each as easily; return their runs."""
    chances, own = _draw_chances(rate, n, rng), _draw_chances(rate / 4, n, rng)

    def run(change: float) -> tuple[Floats, Floats]:
        used = _shift(chances, rate, change) if change else chances
        return (rng.random(n) < used).astype(float), (rng.random(n) < own).astype(float)

    return run


def draw_gains(
    gain: float, n: int, rng: np.random.Generator
) -> Callable[[float], tuple[Floats, Floats]]:
    """Draw items of which each run's best without access knows another share; return their runs.

    The gain over it is the same in all runs, although a few items that it knows are lost.
    """
    easy, own = rng.random(n), rng.random(n)

    def again(drawn: Floats) -> Floats:
        return np.where(rng.random(n) < SAME, drawn, rng.random(n))

    def run(change: float) -> tuple[Floats, Floats]:
        share = rng.choice(BESIDE)
        known = again(easy) < share
        gained = again(own) < gain + change + LOST * share
        lost = rng.random(n) < LOST * (1 - share)
        return np.where(known, ~lost, gained).astype(float), known.astype(float)

    return run


def draw_copies(
    gain: float, n: int, rng: np.random.Generator
) -> Callable[[float], tuple[Floats, Floats]]:
    """Draw copies that miss more or less of all items in each run, by luck in training."""
    known, own = rng.random(n) < BESIDE[1], rng.random(n)

    def run(change: float) -> tuple[Floats, Floats]:
        missed = (1 - gain - change) * math.exp(LUCK_OF_COPIES * rng.normal())
        return (known | (own > missed)).astype(float), known.astype(float)

    return run


def draw_scores(
    rate: float, n: int, rng: np.random.Generator
) -> Callable[[float], tuple[Floats, Floats]]:
    """Draw records, of which two in five are members with higher scores; return their runs.

    One in five is for the choice of thresholds. A share of `rate` more of the members than of
    others is above the threshold of 5 %.
    """
    role = np.array([1, 0, 1, 0, CALIBRATION])[np.arange(n) % 5].astype(float)
    own = rng.normal(size=n)

    def run(change: float) -> tuple[Floats, Floats]:
        higher = norm.isf(AUDITED) - norm.isf(AUDITED + rate + change)
        scores = higher * (role == 1) + (own + rng.normal(size=n)) / np.sqrt(2)
        return scores, role

    return run


def _draw_chances(rate: float, n: int, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.beta(CONCENTRATION * rate, CONCENTRATION * (1 - rate), n))


def _shift(chances: Floats, rate: float, change: float) -> Floats:
    """Move the chances of items so that they are larger by `change` on average."""
    place = beta.cdf(chances, CONCENTRATION * rate, CONCENTRATION * (1 - rate))
    moved = rate + change
    return np.asarray(beta.ppf(place, CONCENTRATION * moved, CONCENTRATION * (1 - moved)))


SHARES = Kind(metric="success_rate", tally=share_tally, draw=draw_shares)
GAINS = Kind(metric="normalised_gain", tally=gain_tally, draw=draw_shares)
GAINS_BESIDE = Kind(metric="normalised_gain", tally=gain_tally, draw=draw_gains)
COPIES = Kind(metric="normalised_gain", tally=gain_tally, draw=draw_copies, game="extraction")
MEMBERSHIP = Kind(metric="likelihood_ratio", tally=ratio_tally, draw=draw_scores, ranked=True)


# ---- audits --------------------------------------------------------------------------------------


def assess(samples: Mapping[str, Sample], seed: int, kind: Kind, *, stops: bool) -> Assessment:
    """Audit an application, with the agenda of a real run if it stops where it is settled."""
    cases = CASES if stops else [replace(case, looks=1) for case in CASES]
    results: dict[str, AttackResult] = {}
    agenda = agenda_of(cases, dict.fromkeys(GOALS, 1))
    while stops and (pending := agenda.follow(results).pending):
        name, _, effort = pending[0].id.rpartition("-")
        sample = samples[name] if effort == "1" else samples[name].take(FIRST)
        results[pending[0].id] = sample.result(kind.tally)
    if not stops:
        results = {f"{name}-1": each.result(kind.tally) for name, each in samples.items()}
    counted = agenda.follow(results).counted if stops else results
    evidence = []
    for entry in plan_of(cases).entries:
        looks = [look for look in (entry.unit, entry.interim) if look and look.id in counted]
        found = [build_evidence(entry, counted[k.id], seed=seed, look=k) for k in looks[:1]]
        update = {"metric": kind.metric, "game": kind.game}
        evidence += [each.model_copy(update=update) for each in found]
    return conclude(evidence, seed, rated=stops)


def conclude(evidence: Sequence[Evidence], seed: int, *, rated: bool) -> Assessment:
    """Rate the evidence; where verdicts are not looked at, as if there were none."""
    needs = {goal: ProtectionNeed(goal=goal, level=1) for goal in GOALS}
    tests = dict.fromkeys(GOALS, PER_GOAL)
    _, goals, verdict = rate(evidence if rated else (), needs, POLICY, SECRECY, tests)
    return Assessment(
        schema=2,
        tool=Tool(version="0"),
        application=ApplicationRow(
            name="simulated", domain="text", classes=(), fingerprint="", contents={"data": "same"}
        ),
        policy=PolicyRow(id="", version="", sha256="", taxonomy_sha256=""),
        seed=seed,
        started="",
        finished="",
        verdict=verdict,
        goals=goals,
        evidence=tuple(evidence),
    )


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of audits: what is measured, whether items are the same, and whether runs stop."""

    kind: Kind
    paired: bool
    stops: bool = False

    def draw(
        self,
        rates: Mapping[str, float],
        rng: np.random.Generator,
        changes: Mapping[str, float] | None = None,
        n: int = ALL,
    ) -> tuple[Assessment, Assessment]:
        """Draw a pair, the second with changed chances where `changes` says so."""
        sides: list[dict[str, Sample]] = [{}, {}]
        for number, (name, rate_) in enumerate(rates.items()):
            runs = self.kind.draw(rate_, n, rng)
            for side in (0, 1):
                if side and not self.paired:
                    runs = self.kind.draw(rate_, n, rng)
                change = (changes or {}).get(name, 0.0) if side else 0.0
                hits, beside = runs(change)
                first = 100_000 * number + 1_000_000 * side * (not self.paired)
                sides[side][name] = Sample(
                    first=first, hits=hits, beside=beside, ranked=self.kind.ranked
                )
        one, other = (
            assess(samples, seed, self.kind, stops=self.stops)
            for seed, samples in zip((0, int(not self.paired)), sides, strict=True)
        )
        return one, other


# ---- rows ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoChange:
    """Count claims, of any attack in either direction, where nothing has changed."""

    pairs: Pairs

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Simulate pairs, and hold the claims against the binomial law."""
        claims, compared, crossed = 0, 0, 0
        for _ in range(cases):
            drawn = rng.choice(RATES, len(CASES), p=CHANCE_OF_RATE)
            pair = self.pairs.draw({c.name: r for c, r in zip(CASES, drawn, strict=True)}, rng)
            found = compare(*pair)
            claims += any(row.change is not Direction.UNDECIDED for row in found.attacks)
            compared += sum(row.compared for row in found.attacks)
            crossed += _count_crossed(found, pair)
        return Finding(
            measured=f"claimed in {claims} of {cases} pairs ({claims / cases:.2%}); "
            f"{compared / cases:.1f} attacks compared in each, {crossed / cases:.1f} of them at "
            "different looks",
            cases=cases,
            passed=claims <= int(binom.isf(RARE, cases, ALPHA)),
        )


def _count_crossed(found: Comparison, pair: tuple[Assessment, Assessment]) -> int:
    looks = [{e.id: e.look for e in side.evidence} for side in pair]
    rows = [row.evidence for row in found.attacks if row.compared]
    return sum(looks[0][one] != looks[1][other] for one, other in rows)


@dataclass(frozen=True)
class Planted:
    """Ask a pair for the size that would tell 5 points, and plant them at that size."""

    pairs: Pairs
    rate: float

    def __call__(self, cases: int, rng: np.random.Generator) -> Finding:
        """Count in how many pairs the planted change is found, and in the right direction."""
        rates = {case.name: self.rate for case in CASES}
        changes, found = {CASES[0].name: PLANTED}, []
        sizes: list[int] = []
        while len(sizes) < cases:
            samples = _row(compare(*self.pairs.draw(rates, rng))).samples
            n = samples.five_points if samples else None
            if n is not None:
                again = compare(*self.pairs.draw(rates, rng, changes, n))
                sizes.append(n)
                found.append(_row(again).change)
        share = found.count(Direction.WORSE) / cases
        return Finding(
            measured=f"found in {share:.1%}, at {np.median(sizes):,.0f} items (median; "
            f"{min(sizes):,} to {max(sizes):,}) in each run; "
            f"{found.count(Direction.BETTER)} in the wrong direction",
            cases=cases,
            passed=share * cases >= int(binom.ppf(RARE, cases, POWER)),
        )


def _row(found: Comparison) -> AttackChange:
    return next(row for row in found.attacks if row.attack == CASES[0].name)


ABOUT = (
    "src/goalkeeper/comparing",
    "src/goalkeeper/scheduling",
    "src/goalkeeper/rate",
    "src/goalkeeper/stats",
)
NULLS = (
    ("success shares, the same items", Pairs(kind=SHARES, paired=True, stops=True), 1000, 20),
    ("success shares, other items", Pairs(kind=SHARES, paired=False, stops=True), 1000, 20),
    ("gains, the same items", Pairs(kind=GAINS, paired=True), 200, 0),
    ("gains, other items", Pairs(kind=GAINS, paired=False), 200, 0),
    ("gains over another share", Pairs(kind=GAINS_BESIDE, paired=True), 200, 5),
    ("copies with other luck", Pairs(kind=COPIES, paired=True), 200, 0),
    ("membership, the same records", Pairs(kind=MEMBERSHIP, paired=True), 400, 0),
    ("membership, other records", Pairs(kind=MEMBERSHIP, paired=False), 200, 0),
)
POWERS = (
    ("success shares, the same items, 10 % before", Pairs(kind=SHARES, paired=True), 0.1, 400, 10),
    ("success shares, the same items, half before", Pairs(kind=SHARES, paired=True), 0.5, 200, 0),
    ("success shares, other items, 10 % before", Pairs(kind=SHARES, paired=False), 0.1, 400, 0),
    ("success shares, other items, half before", Pairs(kind=SHARES, paired=False), 0.5, 200, 0),
    ("gains, the same items, half before", Pairs(kind=GAINS, paired=True), 0.5, 50, 0),
    ("membership, the same records", Pairs(kind=MEMBERSHIP, paired=True), 0.1, 25, 0),
)
ROWS = (
    *(
        Row(
            section="Comparing two runs",
            name=f"nothing changed: {name}",
            claim="a change is claimed in at most 5 % of pairs",
            measure=NoChange(pairs),
            full=full,
            short=short,
            about=ABOUT,
        )
        for name, pairs, full, short in NULLS
    ),
    *(
        Row(
            section="Comparing two runs",
            name=f"5 points planted: {name}",
            claim="found in at least 80 % of pairs of the size that a comparison names",
            measure=Planted(pairs, rate_),
            full=full,
            short=short,
            about=ABOUT,
        )
        for name, pairs, rate_, full, short in POWERS
    ),
)
