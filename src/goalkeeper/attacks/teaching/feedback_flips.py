"""Wrong feedback about one's own messages, as much as the loop takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.base import Attack
from goalkeeper.attacks.teaching._lies import course, evenly, lies
from goalkeeper.core.access import Access
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.teaching import Channel, Course, Teaching


@final
@dataclass(frozen=True, kw_only=True)
class FeedbackFlips(Attack[Channel, Course]):
    """Report one's own harmful records as harmless, or harmless ones as harmful, every round.

    As many as the attacker's share allows, spread evenly over the rounds, each record once. The
    attacker asks nothing and does not heed a monitor: whether anybody notices is the question.

    Deviations: the paper's attackers choose the mail they send and leave its label to the filter's
    owner; feedback lets the attacker state the label as well.
    """

    game: ClassVar[type[Teaching]] = Teaching
    variant: ClassVar[str] = "teaching.online_feedback"
    reference: ClassVar[str] = (
        "Barreno, Nelson, Joseph, Tygar: The security of machine learning (Machine Learning 81, "
        "2010), causative attacks on learning that goes on"
    )
    tasks: ClassVar[tuple[str, ...]] = ("taught-*",)
    asks: ClassVar[Power] = Power(knowledge=Knowledge(data=Grade.PARTIAL))

    def run(self, question: Channel, access: Access) -> Course:
        """Return lessons of equal size."""
        own, labels = lies(question, access, access.data())
        total = question.most(access.granted.budget.share)
        sizes = evenly(min(total, len(own)), question.loop.rounds, question.each)
        return Course(lessons=course(own, labels, sizes))
