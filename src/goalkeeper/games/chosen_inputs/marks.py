"""Mark chosen inputs: how many trigger a wrong reaction, compared with inputs not chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Ints
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Proportion, Status, Trial
from goalkeeper.games.base import Marking
from goalkeeper.games.chosen_inputs.pool import InputPool
from goalkeeper.games.shared.measuring import draw_curve, thinned_checkpoints
from goalkeeper.games.shared.reacting import count_reactions, headline
from goalkeeper.games.shared.system import System, ask_target


def mark(marking: Marking[InputPool, None, Ints]) -> AttackResult:
    """Send what was chosen, one input a slot, and count wrong reactions."""
    app, pool = marking.app, marking.deal.question
    wrong, names = _find_wrong(app, pool)
    points = thinned_checkpoints(marking.answers)
    picks = [check_choice(point.answer, pool) for point in points]
    tallies = [
        Proportion(
            successes=int(wrong[rows].sum()),
            n=pool.slots,
            baseline_successes=int(wrong.sum()),
            baseline_n=len(wrong),
        )
        for rows in picks
    ]
    trials = [_trial(point, tally) for point, tally in zip(points, tallies, strict=True)]
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(app, pool, trials[-1].queries, tallies[-1]),
        measurements=(
            headline(
                tallies[-1],
                "chosen inputs that trigger a wrong reaction; baseline: inputs not chosen",
            ),
            *count_reactions(names[picks[-1]], names),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        caveats=(
            f"one input of {pool.size} ordinary ones was chosen in each of {pool.slots} attempts; "
            "with more inputs per attempt an attacker finds a wrong reaction more often",
        ),
    )


def _trial(point: Checkpoint, tally: Proportion) -> Trial:
    spent = float(point.queries[0])
    return Trial(
        budget=spent,
        queries=spent,
        compute_h=point.cost.seconds / 3600,
        tally=tally,
        verified=tally.successes,
    )


def _find_wrong(app: Application, pool: InputPool) -> tuple[Bools, NDArray[Any]]:
    """Tell which inputs get a wrong class and, for that, another reaction than the correct one."""
    system = System.of(app, b"inside")
    answers, scored = ask_target(app, pool.x)
    got = system.react(system.channel.seal(answers, 0, scored=scored), 0)
    certain = np.eye(len(app.classes))
    right = [system.reaction(i, certain[i] if scored else None) for i in range(len(app.classes))]
    differs = np.array([name != right[y] for name, y in zip(got.names, pool.y, strict=True)])
    return np.asarray(differs & (answers.labels != pool.y), dtype=bool), got.names


def check_choice(answer: object, pool: InputPool) -> Ints:
    """Return the chosen rows `(slots,)`; raises DataError where they are not one of each slot."""
    rows = np.asarray(answer)
    slots = np.arange(pool.slots)
    if (
        rows.shape != (pool.slots,)
        or rows.dtype.kind not in "iu"
        or (rows // pool.size != slots).any()
    ):
        raise DataError(f"an answer must name one row of each of the {pool.slots} slots, in order")
    return rows.astype(np.int64)


# ---- what is shown -----------------------------------------------------------------------------


def _summary(app: Application, pool: InputPool, queries: float, tally: Proportion) -> str:
    unchosen = tally.baseline_successes / tally.baseline_n
    kind = "" if app.harmless is None else f"{app.classes[app.harmless]} "
    return (
        f"After {queries:,.0f} queries {tally.successes} of {pool.slots} {kind}inputs, each chosen "
        f"out of {pool.size}, trigger a wrong reaction; {unchosen:.1%} of {kind}inputs do "
        "that without being chosen."
    )
