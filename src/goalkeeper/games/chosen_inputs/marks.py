"""Mark chosen inputs: how many trigger a wrong reaction, compared with the best by chance."""

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
from goalkeeper.games.shared.items import keep_outcomes
from goalkeeper.games.shared.measuring import draw_curve, measure_rate
from goalkeeper.games.shared.reacting import count_reactions, headline
from goalkeeper.games.shared.system import System, ask_target
from goalkeeper.games.shared.wording import percent
from goalkeeper.games.tallies import paired_proportion


def mark(marking: Marking[InputPool, None, Ints]) -> AttackResult:
    """Send what was chosen, one input a slot, and count wrong reactions beside those by chance."""
    app, pool = marking.app, marking.deal.question
    wrong, names = _find_wrong(app, pool)
    points = list({int(point.queries.sum()): point for point in marking.answers}.values())
    picks = [check_choice(point.answer, pool) for point in points]
    order = marking.rng.permuted(np.tile(np.arange(pool.size), (pool.slots, 1)), axis=1)
    tries = [_tries(point, pool) for point in points]
    tallies = [
        paired_proportion(wrong[rows], best_by_chance(wrong, pool, order[:, :k]))
        for rows, k in zip(picks, tries, strict=True)
    ]
    trials = [_trial(point, tally) for point, tally in zip(points, tallies, strict=True)]
    return AttackResult(
        status=Status.TESTED,
        summary=_summary(app, pool, trials[-1].queries, tallies[-1], tries[-1]),
        measurements=(
            headline(
                tallies[-1],
                "chosen inputs that trigger a wrong reaction; baseline: " + _name_chance(tries[-1]),
            ),
            measure_rate(
                "share of inputs that trigger a wrong reaction", wrong, note="not chosen at all"
            ),
            *count_reactions(names[picks[-1]], names),
        ),
        trials=tuple(trials),
        outcomes=keep_outcomes(app, pool.x[pool.rows(0)], wrong[picks[-1]]),
        curve=draw_curve(trials),
        caveats=(
            f"one input of {pool.size} ordinary ones was chosen in each of {pool.slots} attempts; "
            "with more inputs per attempt a wrong reaction is found more often, with an attack and "
            "without",
        ),
    )


def _tries(point: Checkpoint, pool: InputPool) -> int:
    """Return how many inputs a slot was sent at most: those asked about, and the chosen one."""
    return min(int(point.queries[: pool.slots].max()) + 1, pool.size)


def best_by_chance(wrong: Bools, pool: InputPool, drawn: Ints) -> Bools:
    """Tell in which slots `(slots,)` any of the inputs drawn `(slots, k)` gets a wrong reaction."""
    return np.asarray(np.take_along_axis(wrong.reshape(pool.slots, -1), drawn, axis=1).any(axis=1))


def _trial(point: Checkpoint, tally: Proportion) -> Trial:
    """Return the trial of an answer; it cost what all slots asked, as one learns from the other."""
    spent = float(point.queries.sum())
    return Trial(
        budget=spent,
        queries=spent,
        compute_h=point.cost.seconds / 3600,
        tally=tally,
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


def _summary(
    app: Application, pool: InputPool, queries: float, tally: Proportion, tries: int
) -> str:
    chance = tally.baseline_successes / tally.baseline_n
    kind = "" if app.harmless is None else f" that are not {app.classes[app.harmless]}"
    return (
        f"Picking the best of {pool.size} inputs{kind}, the attacker triggered a wrong reaction in "
        f"{tally.successes} of {pool.slots} tries ({percent(tally.successes / tally.n)}) after "
        f"{queries:,.0f} queries; {_name_chance(tries)}: {percent(chance)}."
    )


def _name_chance(tries: int) -> str:
    return "a random input" if tries == 1 else f"the best of {tries} random inputs"
