"""The exhaustion game: inputs of allowed size whose answers take the target longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.answer_costs import CostMeter
from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Inputs, row_keys
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Latency, Status
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power
from goalkeeper.games.base import Deal, Game, Marking, Task
from goalkeeper.games.exhaustion import report
from goalkeeper.games.exhaustion.costs import MIN_MEASURED, KindCosts, KindTimer, find_slowest
from goalkeeper.games.exhaustion.question import InputKind, Population, SizeLimits
from goalkeeper.games.exhaustion.slow_target import slowed
from goalkeeper.games.exhaustion.timing import GroupTimer
from goalkeeper.games.shared.measuring import build_query_trial, draw_curve
from goalkeeper.games.tallies import bounds, is_too_wide

ANSWERS = 2_000  # that a search asks, at most
TASK = Task(
    name="slow-answers",
    harms=(Harm(Goal.AVAILABILITY),),
    metric="latency_factor",
    sentence="send inputs of allowed size that take far longer to answer than others",
    writes="own",
)
ExhaustionMarking = Marking[SizeLimits, None, Population]


@final
@dataclass(frozen=True, kw_only=True)
class Exhaustion(Game[SizeLimits, None, Population]):
    """Question: how large an input may be. Answer: kinds of inputs that may take long.

    An attacker sees how long answers take. The first `screened` inputs of every kind that is handed
    in decide which kind is the slowest, the others show how slow it is, so that none is picked for
    a value that is high by chance. They are asked one at a time, in turns with ordinary inputs, in
    several rounds, and an input counts by its median: a busy machine makes the interval wide and
    nothing slow.

    Ordinary inputs are compared as they are, whatever their size: how large an input may be is up
    to the application. Only what any application needs to read the larger text, to count its
    characters and words once, is added to the time of ordinary ones, so that a filter as quick as
    that is not slow because long texts are allowed.

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
    limit
        Seconds after which nothing more is asked, also in the middle of a round.
    """

    name: ClassVar[str] = "exhaustion"

    inputs: int = 30
    screened: int = 8
    rounds: int = 7
    chars: int = 1_000_000
    patience: float = 8.0
    limit: float = 20.0

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
        kinds = _check_kinds(marking)
        points = _select_checkpoints(
            marking.answers, [len(k.x) for k in kinds], self.screened + MIN_MEASURED
        )
        if not points:
            reason = (
                "inconclusive: the attack handed in no kind of distinct inputs that are answered"
            )
            return AttackResult(status=Status.NOT_TESTED, reason=reason)
        timer = KindTimer(
            timer=GroupTimer(
                CostMeter.of(marking.app.target, marking.clock), self.patience, self.limit
            ),
            clock=marking.clock,
            ordinary=marking.app.data.holdout.x,
            rng=marking.rng,
        )
        few = [kind.x[: self.screened] for kind in kinds]
        screening = timer.screen(few, max(1, self.rounds // 2))
        slowest = find_slowest(kinds, screening, [len(p.answer) for p in points], self.screened)
        winners = {k: kinds[k].x[self.screened :] for k in dict.fromkeys(slowest)}
        costs = timer.measure(winners, self.inputs, self.rounds)
        final = costs[slowest[-1]]
        if not final.enough:
            return AttackResult(status=Status.NOT_TESTED, reason=_explain_slowness(final, self))
        trials = [
            build_query_trial(p, costs[k].tally)
            for p, k in zip(points, slowest, strict=True)
            if costs[k].enough
        ]
        unclear, kind = is_too_wide(final.tally), kinds[slowest[-1]]
        return AttackResult(
            status=Status.NOT_TESTED if unclear else Status.TESTED,
            reason=_explain_width(final.tally) if unclear else "",
            summary=report.summarise(kind.name, final, trials[-1]),
            measurements=(
                *report.measure(kind.name, final, TASK.metric),
                *report.measure_kinds([k.name for k in kinds], screening),
            ),
            trials=tuple(trials),
            curve=draw_curve(trials, "queries", "queries per input"),
            caveats=report.list_caveats(final.tally, marking.app, marking.deal.question.size),
            exhibits=(report.show_example(kind, self.screened),),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Let the target answer unusual inputs many times over."""
        return slowed(app)

    def smaller(self) -> Exhaustion:
        """Measure fewer inputs, less often."""
        return replace(self, inputs=min(self.inputs, 16), screened=min(self.screened, 6), rounds=3)

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Return how many answers are timed."""
        search = min(granted.budget.queries, ANSWERS)
        return Estimate(queries=search + self.rounds * 4 * (self.screened + self.inputs))


def _explain_width(tally: Latency) -> str:
    low, high = bounds(tally, 0.025)
    return (
        f"inconclusive: times scatter so much that these inputs may take {low:.2g} to {high:.2g} "
        "times as long as ordinary ones; measure more inputs, or on a quieter machine"
    )


def _explain_slowness(costs: KindCosts, game: Exhaustion) -> str:
    return (
        f"inconclusive: answers take so long that within {game.limit:g} seconds only "
        f"{len(costs.attack)} of these inputs and {len(costs.ordinary)} ordinary ones could be "
        "measured"
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
