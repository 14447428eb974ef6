"""Models of hidden kind: the game makes one for each guess, and counts which guesses are right."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goalkeeper.core.access import Checkpoint
from goalkeeper.core.application import Application, Target
from goalkeeper.core.data import Data, Ints, fingerprint
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Status, Trial
from goalkeeper.games.base import Marking, Unfit
from goalkeeper.games.shared.measuring import GainCounts, draw_curve, measure_rate
from goalkeeper.training import SklearnTrainer, plain_rows
from goalkeeper.training.kept import Bounded

MOST_RECORDS = 300  # that a victim is trained on: dozens of victims are trained for one question
FEWEST_RECORDS = 60
KEPT_TASKS = 4  # whose victims are kept for the next attack

MakeVictim = Callable[[int, np.random.Generator], Target]
BuildEstimator = Callable[[int, np.random.Generator], Any]  # of scikit-learn, by its kind


@dataclass(frozen=True, slots=True)
class VictimKinds:
    """The question: of each victim, which of these kinds it is.

    `records` is how many records each victim was trained on, which is public.
    """

    names: tuple[str, ...]
    records: int


@dataclass(frozen=True, eq=False, kw_only=True)
class ApplicationWithVictims(Application):
    """An application whose victims are made by `make_victim(kind, rng)`, not trained as always."""

    make_victim: MakeVictim


class MadeVictims:
    """Victims that were made for one application: all attacks on a task are dealt the same.

    Those of a few tasks are kept, by their kinds and the random stream they are drawn from.
    """

    def __init__(self, app: Application) -> None:
        self._kept: Bounded[tuple[Target, ...]] = Bounded(KEPT_TASKS)

    def of(
        self, kinds: Ints, rng: np.random.Generator, make: Callable[[int], Target]
    ) -> tuple[Target, ...]:
        """Make a victim of each kind `(victims,)`; `make` draws from `rng`, nothing else later."""
        key = fingerprint(kinds, repr(rng.bit_generator.state))
        made = self._kept.get(key)
        if made is None:
            made = tuple(make(i) for i in range(len(kinds)))
            self._kept.put(key, made, 1)
        return made


def replace_victims(app: Application, make_victim: MakeVictim) -> ApplicationWithVictims:
    """Return the same application with victims that are made in another way."""
    fields = {name: getattr(app, name) for name in Application.__dataclass_fields__}
    return ApplicationWithVictims(**fields, make_victim=make_victim)


def train_on_similar(app: Application, build: BuildEstimator) -> MakeVictim:
    """Return what trains victims on the very data that the attacker trains its own models on."""
    return lambda kind, rng: _fit(app, app.data.similar, build(kind, rng), rng)


def unfit_records(app: Application) -> Unfit | None:
    """Say that there are too few records to train victims on; None where there are enough."""
    if records_per_victim(app) >= FEWEST_RECORDS:
        return None
    return Unfit(
        f"{len(app.data.train)} training records are too few to train models of hidden "
        f"kind on; {2 * FEWEST_RECORDS} are needed"
    )


def draw_kinds(victims: int, kinds: int, rng: np.random.Generator) -> Ints:
    """Draw the hidden kinds `(victims,)`, each equally often as far as it can be."""
    return np.asarray(rng.permutation(np.arange(victims) % kinds), dtype=np.int64)


def records_per_victim(app: Application) -> int:
    """Count the records that each victim is trained on: half of the training data, at most 300."""
    return min(MOST_RECORDS, len(app.data.train) // 2)


def make_victim(
    app: Application, build: BuildEstimator, kind: int, rng: np.random.Generator
) -> Target:
    """Train a victim of a kind on its own draw of records, or make it as the application says."""
    if isinstance(app, ApplicationWithVictims):
        return app.make_victim(kind, rng)
    return _fit(app, app.data.train, build(kind, rng), rng)


def _fit(app: Application, data: Data, estimator: Any, rng: np.random.Generator) -> Target:
    trainer = SklearnTrainer(estimator, app.classes, plain_rows(app.domain))
    records = draw_records(data, records_per_victim(app), rng)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*failed to converge")  # near enough to guess
        return trainer.fit(records, int(rng.integers(2**31)))


def draw_records(data: Data, size: int, rng: np.random.Generator) -> Data:
    """Draw records without replacement, with a few of every class that there is."""
    order = rng.permutation(len(data))
    first = [np.flatnonzero(data.y[order] == label)[:3] for label in np.unique(data.y)]
    must = np.concatenate(first)
    rest = np.setdiff1d(np.arange(len(order)), must)[: max(0, size - len(must))]
    rows = np.concatenate([must, rest])
    return Data(x=data.x[order[rows]], y=data.y[order[rows]])


# ---- marks -----------------------------------------------------------------------------------


def mark_guesses(marking: Marking[Any, Ints, Ints], what: str, caveat: str) -> AttackResult:
    """Count correct guesses of `what`, beside always naming the kind that is most frequent."""
    hidden, names = marking.deal.secret, marking.deal.question.names
    points = last_of_each(marking.answers)
    guesses = [check_guesses(point.answer, len(hidden), len(names)) for point in points]
    base = int(np.bincount(hidden).max())
    found = [GainCounts(int((g == hidden).sum()), len(hidden), base, len(hidden)) for g in guesses]
    trials = [build_trial(point, f) for point, f in zip(points, found, strict=True)]
    last, correct = found[-1], guesses[-1] == hidden
    spent = int(points[-1].queries.max())
    return AttackResult(
        status=Status.TESTED,
        summary=f"After {spent:,} queries to each of {last.n} models of this application's own "
        f"recipe, the {what} of {last.successes} is named correctly; always naming the most "
        f"frequent one is correct for {base}.",
        measurements=(
            last.measure(marking.task.metric, "over naming the most frequent one"),
            last.measure_hits("correct guesses", "of all models"),
            *(
                measure_rate("correct guesses", correct[hidden == i], base / last.n, group=name)
                for i, name in enumerate(names)
            ),
        ),
        trials=tuple(trials),
        curve=draw_curve(trials),
        caveats=(caveat,),
        exhibits=(list_guesses(hidden, guesses[-1], names),),
    )


def last_of_each(answers: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the last answer of each spending, in the order of spending."""
    last = {int(point.queries.max()): point for point in answers}
    return [last[spent] for spent in sorted(last)]


def check_guesses(answer: object, victims: int, kinds: int) -> Ints:
    """Return the guesses `(victims,)` as whole numbers.

    Raises
    ------
    DataError
        The answer has another shape, or names a kind that does not exist.
    """
    guesses = np.asarray(answer)
    if guesses.shape != (victims,) or guesses.dtype.kind not in "iu":
        raise DataError(
            f"an answer must name one kind for each of {victims} victims, this is "
            f"{guesses.dtype} of shape {guesses.shape}; return indices of the kinds (victims,)"
        )
    if len(guesses) and not 0 <= guesses.min() <= guesses.max() < kinds:
        raise DataError(
            f"an answer names kinds {guesses.min()} to {guesses.max()}; there are 0 to {kinds - 1}"
        )
    return guesses.astype(np.int64)


def build_trial(point: Checkpoint, found: GainCounts) -> Trial:
    """Return the trial of one answer about all victims."""
    spent = float(point.queries.max())
    return Trial(
        budget=spent,
        queries=spent,
        compute_h=point.cost.seconds / 3600,
        tally=found.tally,
    )


def list_guesses(hidden: Ints, guesses: Ints, names: Sequence[str]) -> Exhibit:
    """List what each kind was guessed to be."""
    lines = []
    for i, name in enumerate(names):
        counts = np.bincount(guesses[hidden == i], minlength=len(names))
        guessed = ", ".join(f"{names[j]} {counts[j]}" for j in np.flatnonzero(counts).tolist())
        lines.append(f"{name}: {guessed or 'none'}")
    return Exhibit(title="what each kind of model was guessed to be", after="; ".join(lines))
