"""Wrong feedback about the attacker's own messages, as much as the loop takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.teaching._wrong_feedback import (
    choose_wrong_feedback,
    cut_batches,
    load_until,
    spread_evenly,
)
from goalkeeper.core.access import Access
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.teaching import FeedbackChannel, FeedbackPlan, Teaching


@final
@dataclass(frozen=True, kw_only=True)
class FeedbackFlips(Attack[FeedbackChannel, FeedbackPlan]):
    """Report own harmful records as harmless, or harmless ones as harmful, every round.

    As many as the attacker's share allows, each record once: spread evenly over the rounds where
    the model is retrained on everything, or nobody else speaks; in the last rounds where it is
    updated with each round's feedback, since other users undo what came before. The attacker
    sends no query and ignores any monitor: whether it is detected is measured.

    Deviations: the paper's attackers choose the mail they send and leave its label to the filter's
    owner; feedback lets the attacker state the label as well.
    """

    game: ClassVar[type[Teaching]] = Teaching
    variant: ClassVar[str] = "teaching.online_feedback"
    reference: ClassVar[str] = (
        "Barreno, Nelson, Joseph, Tygar: The security of machine learning (Machine Learning 81, "
        "2010), causative attacks on continued learning"
    )
    tasks: ClassVar[tuple[str, ...]] = ("taught-*",)
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))

    def run(self, question: FeedbackChannel, access: Access) -> FeedbackPlan:
        """Return batches of equal size, or full ones at the end."""
        records, labels = choose_wrong_feedback(question, access, access.data())
        total = min(question.most(access.granted.budget.share), len(records))
        rounds, each = question.loop.rounds, question.each
        sizes = spread_evenly(total, rounds, each)
        if question.loop.forgets:
            sizes = load_until(total, rounds, rounds, each)
        return FeedbackPlan(batches=cut_batches(records, labels, sizes))
