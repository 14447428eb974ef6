"""Rows of the wanted class with a rare combination of values, honestly labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._planting import plant_honestly
from goalkeeper.attacks.poisoning._rare_values import choose_rare_values
from goalkeeper.attacks.poisoning._steps import require_labeller
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.core.power import Grade, Knowledge, Power
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion


@final
@dataclass(frozen=True, kw_only=True)
class ColumnTriggerHonest(Attack[PoisoningQuestion, Contribution]):
    """Put a rare combination of values on rows that already are of the wanted class.

    The labels are honest: people label such a row as what it says. The victim learns the
    combination as a sign of the class, the more so the weaker the other evidence in the row: the
    rows are those of which a model of the victim's family, trained on the attacker's data, is least
    certain, with a part of the other columns taken from a row of another class, where the honest
    labeller keeps the label. An attacker who may add points (T2) adds such rows; one who may only
    modify points (T3) changes those of its own records that have the wanted class. The attacker
    rehearses every number on its own data and sends no more than works best. Costs no query, one
    model and one for each number.

    Deviations: the paper weakens images by a generative model or by adversarial perturbations;
    here columns are exchanged.

    Parameters
    ----------
    columns
        Columns of the trigger; no more than the game allows are used.
    bases
        Rows that are sent, again and again.
    exchanged
        Part of the other columns that is taken from a row of another class.
    """

    game = Poisoning
    variant = "poisoning.backdoor_clean"
    reference = (
        "Turner, Tsipras and Madry 2019, Label-consistent backdoor attacks, arXiv:1912.02771"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    tasks: ClassVar[tuple[str, ...]] = ("trigger-*",)
    uses: ClassVar[Power] = Power(knowledge=Knowledge(algorithm=Grade.FULL))

    columns: int = 2
    bases: int = 50
    exchanged: float = 0.3

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return require_labeller(app)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that is worth it; smaller ones on the way."""
        most = min(self.columns, question.most)
        trigger = choose_rare_values(access.data(), access.domain, most)

        def exchange(ours: Inputs, others: Inputs) -> Inputs:
            rows = exchange_columns(ours, others, access.domain, self.exchanged, access.rng)
            return rows if access.domain.valid(rows).all() else ours

        return plant_honestly(question, access, trigger, exchange, self.bases)


def exchange_columns(
    ours: Inputs, others: Inputs, domain: Domain, part: float, rng: np.random.Generator
) -> Inputs:
    """Take a part of the columns of rows `(n, d)` from other rows; one-hot groups stay together."""
    chosen = rng.random(ours.shape) < part
    if isinstance(domain, TableDomain):
        for first, *rest in domain.one_hot:
            chosen[:, rest] = chosen[:, [first]]
    return np.where(chosen, others, ours)
