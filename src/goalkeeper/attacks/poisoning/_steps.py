"""What attacks on training data share: one contribution for every share that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Inputs, Ints
from goalkeeper.core.power import View
from goalkeeper.games.poisoning import Contribution, PoisoningQuestion, Trigger

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_FEWEST = 20  # records of each side without which a rehearsal tells nothing


def submit_in_steps(
    access: Access,
    counts: Sequence[int],
    change: Callable[[int], Change],
    trigger: Trigger | None = None,
) -> Contribution:
    """Hand in the change of every count, smallest first, and return that of the largest.

    Without any count the change is empty.
    """
    answer = Contribution(change=Change(), access=access, trigger=trigger)
    for i, count in enumerate(counts):
        answer = Contribution(change=change(count), access=access, trigger=trigger)
        if i < len(counts) - 1:
            access.checkpoint(answer)
    return answer


def choose_class(question: PoisoningQuestion, access: Access, data: Data) -> int:
    """Return the class to be damaged or imitated: the wanted, the harmless or the largest."""
    for label in (question.wanted, access.harmless):
        if label is not None:
            return label
    return int(np.argmax(np.bincount(data.y, minlength=len(access.classes))))


def spare_some(order: Ints, records: Data, question: PoisoningQuestion, spared: float) -> Ints:
    """Shorten an order of own rows `(n,)` so that no class goes as a whole.

    A victim that finds none of a class notices, or cannot be trained at all. Only who reaches
    every training record has to mind; of each class the last `spared` of its records stay.
    """
    if len(records) < question.rows:
        return order
    fine = np.zeros(len(order), dtype=bool)
    for label in np.unique(records.y[order]):
        places = np.flatnonzero(records.y[order] == label)
        fine[places[: int((1 - spared) * (records.y == label).sum())]] = True
    return order[fine]


def split_by_class(access: Access, wanted: int | None = None) -> tuple[Data, Data]:
    """Return the attacker's data in two parts: records of a class (the harmless), all others."""
    data = access.data()
    chosen = data.y == (access.harmless if wanted is None else wanted)
    return data.take(chosen), data.take(~chosen)


def require_labeller(app: Application) -> Unfit | None:
    """Refuse applications that do not say how contributed records are labelled."""
    if app.labeller is not None:
        return None
    return Unfit(
        "contributed records need an honest labelling process, and none is described (labeller)"
    )


def invent_words(rng: np.random.Generator, count: int, letters: int = 6) -> tuple[str, ...]:
    """Make up words that nobody uses, of alternating consonants and vowels."""
    sounds = [_CONSONANTS, _VOWELS] * letters
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(s[int(rng.integers(len(s)))] for s in sounds[:letters])] = None
    return tuple(words)


# ---- with a model of the attacker's own ----------------------------------------------------------


def order_by_doubt(records: Data, wanted: int, access: Access) -> Ints:
    """Order records `(n,)` of a class, those first that a model of the attacker's own doubts most.

    Costs one model, trained on the attacker's data. A model that gives labels only leaves the
    order to chance.
    """
    order = access.rng.permutation(len(records))
    model = access.trainer().fit(access.data(), int(access.rng.integers(2**31)))
    if model.offers < View.SCORES:
        return order
    scores = model.answer(records.x[order], View.SCORES).scores[:, wanted]
    return order[np.argsort(scores, kind="stable")]


def select_worthwhile(
    access: Access,
    question: PoisoningQuestion,
    counts: Sequence[int],
    poison: Inputs,
    trigger: Trigger,
) -> list[int]:
    """Keep the counts that do no worse in a rehearsal than every smaller one.

    More poison is not always better: it dilutes, or shows too plainly what it stands for. The
    attacker trains one model a count on half of its records of other classes, all of the wanted
    one, and the first of `poison` `(m, ...)` in the proportion that the victim would see; and
    looks how many of the other half get the wanted answer with the trigger.
    """
    wanted = question.wanted
    data = access.data()
    others = access.rng.permutation(np.flatnonzero(data.y != wanted))
    ours = np.flatnonzero(data.y == wanted)
    if wanted is None or len(counts) < 2 or min(len(others) // 2, len(ours)) < _FEWEST:
        return list(counts)
    seen, kept_out = np.split(others, [len(others) // 2])
    base = data.take(np.concatenate([ours, seen]))
    scaled = [max(1, round(count / question.rows * len(base))) for count in counts]
    rows = np.resize(np.arange(len(poison)), scaled[-1])
    union = Data(x=base.x, y=base.y).joined(
        Data(x=poison[rows], y=np.full(len(rows), wanted, dtype=np.int64))
    )
    masks = np.ones((len(counts), len(union)), dtype=bool)
    for mask, count in zip(masks, scaled, strict=True):
        mask[len(base) + count :] = False
    seed = int(access.rng.integers(2**31))
    models = access.trainer().fit_many(union, masks, [seed] * len(counts))
    passed = (models.labels(trigger.apply(data.x[kept_out])) == wanted).sum(axis=1)
    best = np.maximum.accumulate(passed)
    return [count for count, n, most in zip(counts, passed, best, strict=True) if n == most]


def rehearse_damage(
    access: Access, share: float, poison: Callable[[Data, int], Sequence[Data]]
) -> Ints | None:
    """Count the records `(k,)` that the attacker's own models get wrong after each poison.

    The models learn half of the attacker's records, and as much poison as makes up `share` beside
    them; they answer the other half, of which only harmless records count where there is such a
    class. `poison(known, number)` gives k ways to write `number` records when the attacker knows
    only these. None when there is too little data.
    """
    data = access.data()
    order = access.rng.permutation(len(data))
    known, kept_out = data.take(order[::2]), data.take(order[1::2])
    judged = np.full(len(kept_out), access.harmless is None) | (kept_out.y == access.harmless)
    if judged.sum() < _FEWEST or len(np.unique(known.y)) < 2:
        return None
    written = poison(known, max(1, round(share * len(known))))
    union = Data(x=known.x, y=known.y)
    masks = np.zeros((len(written), len(known) + sum(map(len, written))), dtype=bool)
    masks[:, : len(known)] = True
    for mask, records in zip(masks, written, strict=True):
        mask[len(union) : len(union) + len(records)] = True
        union = union.joined(Data(x=records.x, y=records.y))
    seed = int(access.rng.integers(2**31))
    models = access.trainer().fit_many(union, masks, [seed] * len(masks))
    answers = models.labels(kept_out.x[judged])
    return np.asarray((answers != kept_out.y[judged]).sum(axis=1))
