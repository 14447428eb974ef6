"""What a description leaves to defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from goalkeeper.core.application import Tolerances
from goalkeeper.core.goals import Goal
from goalkeeper.describe.form import ApplicationForm

if TYPE_CHECKING:
    from goalkeeper.describe.threats import RatingInputs


def read_tolerances(form: ApplicationForm) -> Tolerances:
    """Return the tolerances that a file declares, or the defaults."""
    if form.tolerances is None:
        return Tolerances()
    given = form.tolerances
    return replace(
        Tolerances(declared=True),
        benign_rejection=given.benign_rejection,
        accuracy_drop=given.accuracy_drop,
    )


def note_defaults(form: ApplicationForm, rating: RatingInputs) -> list[str]:
    """Say what the description leaves to defaults, and where it may be too low."""
    caveats = []
    if form.tolerances is None:
        caveats.append("no tolerances are declared: the defaults of 1 % and 2 % are used")
    if form.attackers is None:
        caveats.append("no attackers are described: all built-in ones are assumed")
    if form.secrecy is None:
        caveats.append("no secrecy is declared: the defaults of the rating policy are used")
    if form.harmless is None:
        caveats.append("no class is named harmless: declined harmless inputs cannot be measured")
    least = 3 if form.data.membership_is_sensitive else 2 if form.data.person is not None else 0
    if rating.needs[Goal.PRIVACY].level < least:
        caveats.append(
            "records belong to persons"
            + (", and being among them is sensitive" if least == 3 else "")
            + f": a need for privacy of at least {('high', 'very high')[least - 2]} is proposed"
        )
    return caveats
