"""Support vectors: a support vector machine keeps the records next to its boundary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from goalkeeper.attacks.artefact_leak._stored import check_stored, claim_stored_records
from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.power import Budget
from goalkeeper.games.artefact_leak import ArtefactLeak, ClaimLimit, Claims


@final
@dataclass(frozen=True, kw_only=True)
class SupportVectors(Attack[ClaimLimit, Claims]):
    """Read the support vectors, and undo the scaling of the inputs.

    Of a text model the words of each record are read, not their order.
    """

    game: ClassVar[type[ArtefactLeak]] = ArtefactLeak
    variant: ClassVar[str] = "artefact_leak.parameters"
    reference: ClassVar[str] = (
        "SACRO-ML (AI-SDC), structural attacks (support vectors are training records)"
    )
    tasks: ClassVar[tuple[str, ...]] = ("stored-records",)
    most: ClassVar[Budget] = Budget(compute_h=1.0)  # no question is asked

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse models without support vectors."""
        return check_stored(app, ("support_vectors", "support_words"), "support vectors")

    def run(self, question: ClaimLimit, access: Access) -> Claims:
        """Claim what is stored."""
        return claim_stored_records(question, access, "support", "support_vectors")
