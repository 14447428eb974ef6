"""Triggers on records that already are of the wanted class, so that their labels are honest."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goalkeeper.attacks.poisoning._steps import (
    order_by_doubt,
    select_worthwhile,
    split_by_class,
    submit_in_steps,
)
from goalkeeper.core.access import Access
from goalkeeper.core.change import Change
from goalkeeper.core.data import Inputs
from goalkeeper.core.power import Capability
from goalkeeper.games.poisoning import Contribution, PoisoningQuestion, Trigger

Weaken = Callable[[Inputs, Inputs], Inputs]  # records of the class and of others, both (n, ...)


def plant_honestly(
    question: PoisoningQuestion,
    access: Access,
    trigger: Trigger | None,
    weaken: Weaken,
    most_bases: int,
) -> Contribution:
    """Return the largest contribution that is worth it; smaller ones on the way.

    An attacker who may add records (T2) adds weakened ones of the wanted class; one who may only
    modify records (T3) changes its own. Records that a model of its own doubts come first, as the
    victim then learns more from the trigger.
    """
    if trigger is None or question.wanted is None:
        return submit_in_steps(access, (), lambda _: Change(), trigger)
    if Capability.T2 in access.granted.capabilities.closed():
        return _add(question, access, trigger, weaken, most_bases)
    return _modify(question, access, trigger)


def _add(
    question: PoisoningQuestion,
    access: Access,
    trigger: Trigger,
    weaken: Weaken,
    most_bases: int,
) -> Contribution:
    """Send weakened records of the wanted class that hold the trigger."""
    ours, others = split_by_class(access, question.wanted)
    counts = question.addition_counts(access.granted.budget.share)
    if question.wanted is None or not (len(ours) and len(others) and counts):
        return submit_in_steps(access, (), lambda _: Change(), trigger)
    order = order_by_doubt(ours, question.wanted, access)[:most_bases]
    bases = ours.take(np.resize(order, counts[-1]))
    other = others.x[access.rng.integers(0, len(others), len(bases))]
    plain = trigger.apply(bases.x)
    weakened = trigger.apply(weaken(bases.x, other))
    # The labeller is a public process: the attacker sees what it says of its own records.
    still, also = (
        access.check(Change(add=x, bases=bases)).extra.y == question.wanted
        for x in (weakened, plain)
    )
    poison = np.where(still.reshape(-1, *[1] * (plain.ndim - 1)), weakened, plain)
    if (still | also).any():  # what gets another label teaches the opposite
        chosen = np.resize(np.flatnonzero(still | also), len(bases))
        poison, bases = poison[chosen], bases.take(chosen)

    def change(count: int) -> Change:
        return Change(add=poison[:count], bases=bases.take(slice(count)))

    best = select_worthwhile(access, question, counts, poison, trigger)
    return submit_in_steps(access, best, change, trigger)


def _modify(question: PoisoningQuestion, access: Access, trigger: Trigger) -> Contribution:
    """Put the trigger on records of the attacker's own that have the wanted class."""
    records, rows = access.own(), access.reachable()
    of_class = np.flatnonzero(records.y == question.wanted)
    limits = question.change_counts(access.granted.budget.share)
    counts = sorted({min(n, len(of_class)) for n in limits} - {0})
    if question.wanted is None or not counts:
        return submit_in_steps(access, (), lambda _: Change(), trigger)
    chosen = of_class[order_by_doubt(records.take(of_class), question.wanted, access)]
    poison = trigger.apply(records.x[chosen])

    def change(count: int) -> Change:
        return Change(modify=rows[chosen[:count]], modified=poison[:count])

    best = select_worthwhile(access, question, counts, poison, trigger)
    return submit_in_steps(access, best, change, trigger)
