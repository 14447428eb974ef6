"""The exhaustion game: inputs of allowed size whose answers take the target longest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Floats, Inputs, row_keys
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import (
    AttackResult,
    Exhibit,
    Latency,
    Measurement,
    Status,
    Trial,
)
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.exhaustion.slow_target import slowed
from goalkeeper.games.exhaustion.timing import CostMeter, Unit, draw_inputs, draw_of_size
from goalkeeper.games.shared.measuring import build_measurement, build_query_trial, draw_curve
from goalkeeper.games.tallies import bounds, estimate_tally, is_too_wide
from goalkeeper.stats.latency import latency_factor, quantile_bounds

# Inputs from which on the 99th percentile is compared, not the median: 4 of 400 lie beyond it.
MIN_INPUTS_FOR_TAIL = 400
MIN_MEASURED = 8  # different inputs of a kind, beyond those that are screened
TASK = Task(
    name="slow-answers",
    harms=(Harm(Goal.AVAILABILITY),),
    metric="latency_factor",
    sentence="send inputs of allowed size that take far longer to answer than others",
    writes="own",
)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SizeLimits:
    """The question: how many inputs, and how large each may be.

    Parameters
    ----------
    inputs
        Inputs of each kind to be handed in, one a campaign.
    size
        Characters of a text, at most; other inputs have the shape of the domain.
    examples
        A few ordinary inputs `(m, ...)`.
    """

    inputs: int
    size: int
    examples: Inputs


@dataclass(frozen=True, eq=False, slots=True)
class InputKind:
    """Inputs `(inputs, ...)` made in one way, one for each campaign."""

    name: str
    x: Inputs


Population = Sequence[InputKind]
ExhaustionMarking = Marking[SizeLimits, None, Population]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class _KindCosts:
    """Costs of a few inputs of every kind and of as many ordinary ones, and of the slowest kinds.

    `screened` and `ordinary_screened` are those by which the slowest kind is found; `ordinary` are
    the costs of ordinary inputs of any size; `slowest` is the slowest kind at each checkpoint.
    """

    screened: Sequence[Floats]
    ordinary_screened: Floats
    ordinary: Floats
    slowest: tuple[int, ...]
    tallies: Mapping[int, Latency]


@final
@dataclass(frozen=True, kw_only=True)
class Exhaustion(Game[SizeLimits, None, Population]):
    """Question: how large an input may be. Answer: kinds of inputs that may take long.

    An attacker sees how long answers take; the game measures that for the attacker. The
    first `screened` inputs of every kind decide which kind is the slowest, the others show how
    slow it is, so that none is picked for a value that is high by chance. They are asked one at
    a time, in turns with ordinary inputs of equal size, in several rounds, and an input counts by
    its median: a busy machine makes the interval wide and nothing slow.

    Time is that of answering in this process: no network, no queue and no front end are in it.
    A target that counts its own work (`work()`) is measured by that.

    Parameters
    ----------
    inputs
        Inputs of the slowest kind that are measured, and as many ordinary ones. From 400 on the
        99th percentile is compared, as the policy names it, otherwise the median.
    screened
        Further inputs of every kind by which the slowest kind is found.
    rounds
        How often each input is asked.
    chars
        Characters of a text, at most, also where the application takes more.
    patience
        Seconds after which no further round is begun.
    """

    name: ClassVar[str] = "exhaustion"

    inputs: int = 30
    screened: int = 8
    rounds: int = 7
    chars: int = 20_000
    patience: float = 10.0

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return the one task."""
        return (TASK,)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[SizeLimits, None]:
        """Return what is allowed, and show a few ordinary inputs."""
        similar = app.data.similar.x
        rows = rng.permutation(len(similar))[:20]
        n = self.screened + self.inputs
        room = SizeLimits(inputs=n, size=_max_size(app, self.chars), examples=similar[rows])
        return Deal(room, None, campaigns=n)

    def mark(self, marking: ExhaustionMarking) -> AttackResult:
        """Find the slowest kind on some inputs, and measure it on the others."""
        kinds, app = _check_kinds(marking), marking.app
        points = _select_checkpoints(
            marking.answers, [len(k.x) for k in kinds], self.screened + MIN_MEASURED
        )
        if not points:
            reason = (
                "inconclusive: the attack handed in no kind of distinct inputs that are answered"
            )
            return AttackResult(status=Status.NOT_TESTED, reason=reason)
        costs = self._measure_costs(marking, kinds, points)
        trials = [
            build_query_trial(p, costs.tallies[k])
            for p, k in zip(points, costs.slowest, strict=True)
        ]
        kind, tally = kinds[costs.slowest[-1]], costs.tallies[costs.slowest[-1]]
        by_kind = [
            _measure_kind(k.name, c, costs.ordinary_screened)
            for k, c in zip(kinds, costs.screened, strict=True)
        ]
        unclear = is_too_wide(tally)
        return AttackResult(
            status=Status.NOT_TESTED if unclear else Status.TESTED,
            reason=_explain_width(tally) if unclear else "",
            summary=_summarise(kind.name, tally, trials[-1]),
            measurements=(
                *_measure(kind.name, tally, costs.ordinary),
                *sorted(by_kind, key=lambda one: -one.value),
            ),
            trials=tuple(trials),
            curve=draw_curve(trials, "queries", "queries per input"),
            caveats=_list_caveats(tally, app, marking.deal.question.size),
            exhibits=(_show_example(kind, self.screened),),
        )

    def _measure_costs(
        self, marking: ExhaustionMarking, kinds: Sequence[InputKind], points: Sequence[Checkpoint]
    ) -> _KindCosts:
        """Time all kinds on a few inputs each, then the slowest ones on all others."""
        rng, ordinary = marking.rng, marking.app.data.holdout.x
        size = marking.deal.question.size
        meter = CostMeter.of(marking.app.target, marking.clock, self.patience)
        few = [kind.x[: self.screened] for kind in kinds]
        benign = draw_of_size(ordinary, size, self.screened, rng)
        *screened, ordinary_screened = meter.measure([*few, benign], max(1, self.rounds // 2), rng)
        needed = self.screened + MIN_MEASURED
        medians = [
            np.median(c) if len(k.x) >= needed else -1.0
            for k, c in zip(kinds, screened, strict=True)
        ]
        slowest = tuple(int(np.argmax(medians[: len(point.answer)])) for point in points)
        winners = sorted(set(slowest))
        rest = [kinds[k].x[self.screened :] for k in winners]
        benign = draw_of_size(ordinary, size, self.inputs, rng)
        *costs, equal, ordinary_costs = meter.measure(
            [*rest, benign, draw_inputs(ordinary, self.inputs, rng)], self.rounds, rng
        )
        tallies = {
            k: Latency(
                attack=tuple(cost.tolist()),
                benign=tuple(equal.tolist()),
                quantile=0.99 if self.inputs >= MIN_INPUTS_FOR_TAIL else 0.5,
                unit=meter.unit,
            )
            for k, cost in zip(winners, costs, strict=True)
        }
        return _KindCosts(
            screened=screened,
            ordinary_screened=ordinary_screened,
            ordinary=ordinary_costs,
            slowest=slowest,
            tallies=tallies,
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the target answer unusual inputs many times over."""
        return slowed(app)

    def smaller(self) -> Exhaustion:
        """Measure fewer inputs, less often."""
        return replace(self, inputs=min(self.inputs, 16), screened=min(self.screened, 6), rounds=3)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return how many answers are timed."""
        kinds = min(granted.budget.queries, 15)
        return Estimate(queries=(kinds + self.rounds * 4) * (self.screened + self.inputs))


def _explain_width(tally: Latency) -> str:
    low, high = bounds(tally, 0.025)
    return (
        f"inconclusive: times scatter so much that these inputs may take {low:.2g} to {high:.2g} "
        "times as long as ordinary ones; measure more inputs, or on a quieter machine"
    )


# ---- counting ----------------------------------------------------------------------------------


def _max_size(app: Application, chars: int) -> int:
    return min(app.domain.max_chars, chars) if isinstance(app.domain, TextDomain) else 0


def _check_kinds(marking: ExhaustionMarking) -> list[InputKind]:
    """Return the kinds of the last answer, which holds all that were tried.

    Repeated inputs count once: measuring them again would add no information.

    Raises
    ------
    DataError
        An input is not of the domain or too large, or there are not as many as were asked for.
    """
    room, app = marking.deal.question, marking.app
    for kind in marking.final.answer:
        if len(kind.x) != room.inputs:
            raise DataError(f"{kind.name}: hand in {room.inputs} inputs, not {len(kind.x)}")
        if not app.domain.valid(kind.x).all():
            raise DataError(f"{kind.name}: an input is outside of the domain")
        if room.size and max(len(text) for text in kind.x) > room.size:
            raise DataError(f"{kind.name}: a text has more than {room.size} characters")
    return [InputKind(kind.name, _drop_repeated(kind.x)) for kind in marking.final.answer]


def _drop_repeated(x: Inputs) -> Inputs:
    first = {key: i for i, key in reversed(list(enumerate(row_keys(x))))}
    return np.asarray(x[sorted(first.values())])


def _select_checkpoints(
    answers: Sequence[Checkpoint], sizes: Sequence[int], needed: int
) -> list[Checkpoint]:
    """Keep the last answer of each spending that holds a kind of enough different inputs."""
    last = {int(point.queries.max()): point for point in answers}
    points = [last[spent] for spent in sorted(last)]
    return [p for p in points if max(sizes[: len(p.answer)], default=0) >= needed]


# ---- what is shown -----------------------------------------------------------------------------


def _measure(kind: str, tally: Latency, ordinary: Floats) -> tuple[Measurement, ...]:
    n, q = len(tally.attack), tally.quantile
    which = "median" if q == 0.5 else f"quantile {q:g}"
    headline = build_measurement(
        TASK.metric,
        estimate_tally(tally),
        n,
        1.0,
        note=f"{which} of {kind} over that of ordinary inputs of equal size, in {tally.unit}",
    )
    over_ordinary = build_measurement(
        "latency over ordinary inputs",
        latency_factor(tally.attack, ordinary, q=q, alpha=0.025),
        n,
        1.0,
        note="the same inputs over ordinary ones of any size",
    )
    absolute = [
        _measure_median(name, costs, tally.unit)
        for name, costs in (
            (kind, np.array(tally.attack)),
            ("ordinary inputs of equal size", np.array(tally.benign)),
            ("ordinary inputs", ordinary),
        )
    ]
    return (headline, over_ordinary, *absolute)


def _measure_median(group: str, costs: Floats, unit: Unit) -> Measurement:
    low, high = quantile_bounds(costs, 0.5)
    scale = _scale(unit)
    return build_measurement(
        f"median {'milliseconds' if unit == 'seconds' else unit} per answer",
        (float(np.median(costs)) * scale, low * scale, high * scale),
        len(costs),
        group=group,
        note="measured on the machine that ran this" if unit == "seconds" else "counted",
    )


def _scale(unit: Unit) -> float:
    return 1000.0 if unit == "seconds" else 1.0


def _measure_kind(name: str, costs: Floats, ordinary: Floats) -> Measurement:
    return build_measurement(
        "latency over equal size, by kind",
        latency_factor(costs, ordinary, alpha=0.025),
        len(costs),
        1.0,
        group=name,
        note="on the few inputs by which the slowest kind was found",
    )


def _summarise(kind: str, tally: Latency, trial: Trial) -> str:
    value, low, high = estimate_tally(tally)
    slow, ordinary = (
        float(np.median(costs)) * _scale(tally.unit) for costs in (tally.attack, tally.benign)
    )
    unit = "ms" if tally.unit == "seconds" else "operations"
    span = (
        f"{_format_factor(low)} to {_format_factor(high)}"
        if np.isfinite(high)
        else "no upper bound"
    )
    prefix = " no kind is significantly slower:" if low <= 1 else ""
    return (
        f"After {trial.queries:,.0f} queries per input{prefix} the slowest kind ({kind}) takes "
        f"{_format_factor(value)} times as long as ordinary inputs of equal size ({span}): "
        f"{slow:.3g} vs {ordinary:.3g} {unit}."
    )


def _format_factor(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _list_caveats(tally: Latency, app: Application, size: int) -> tuple[str, ...]:
    caveats = []
    if tally.unit == "seconds":
        caveats.append(
            "times were measured on the machine that ran goalkeeper; another run with the same "
            "seed gives other times, and may name another of several kinds that are equally slow"
        )
    caveats.append("only the model's own answering is timed: no network, queue or front end")
    if tally.quantile == 0.5:
        caveats.append(
            f"medians of {len(tally.attack)} inputs are compared; they are too few for the 99th "
            "percentile"
        )
    if isinstance(app.domain, TextDomain) and size < app.domain.max_chars:
        caveats.append(
            f"texts of up to {size:,} characters were tried; the application takes "
            f"{app.domain.max_chars:,}"
        )
    return tuple(caveats)


def _show_example(kind: InputKind, row: int) -> Exhibit:
    first = kind.x[row]
    text = first if isinstance(first, str) else np.array2string(first.reshape(-1)[:12], precision=4)
    return Exhibit(title=f"a slow input: {kind.name}", after=text[:300], note="its beginning")
