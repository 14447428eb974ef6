"""What an attack run spent, and the meter that counts it."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from goalkeeper.core.data import Ints
from goalkeeper.core.deadline import check_time
from goalkeeper.core.errors import BudgetSpent
from goalkeeper.core.need import Frozen

__all__ = [
    "Cost",
]


class Cost(Frozen):
    """Spending so far. Seconds are measured, and so differ from run to run."""

    queries: int = Field(default=0, description="inputs sent to the target")
    forward: int = Field(default=0, description="forward passes through the attacker's own copy")
    backward: int = Field(default=0, description="backward passes through it")
    models: int = Field(default=0, description="models trained")
    seconds: float = Field(default=0.0, description="seconds of computing, measured")
    reused: bool = Field(
        default=False, description="whether the result is from an earlier run, with its times"
    )


class Meter:
    """Counts in total and per campaign, and refuses what would exceed the budget of a campaign.

    A campaign is what one attacker spends on: one input in evasion, one record in membership
    inference, the whole attack (a single campaign) everywhere else.
    """

    def __init__(self, limit: float, campaigns: int = 1) -> None:
        self.limit = limit
        self.queries = np.zeros(campaigns, dtype=np.int64)
        self.total = 0  # inputs sent to the target
        self.forward = self.backward = self.models = 0

    def left(self) -> Ints:
        """Count what each campaign may still spend, `(campaigns,)`; a huge number if no limit."""
        limit = min(self.limit, 2**62)
        return np.asarray(np.maximum(np.int64(limit) - self.queries, 0))

    def passed(self, forward: int, backward: int) -> None:
        """Count rows that passed through the attacker's own copy."""
        if forward:  # on the way back autograd is in the middle of something
            check_time()
        self.forward += forward
        self.backward += backward

    def trained(self, models: int) -> None:
        """Count models that the attacker trained, or was given as if it had."""
        self.models += models

    def charge(self, campaigns: Ints) -> None:
        """Charge one query to each entry of `campaigns`, or raise and charge nothing."""
        self._charge(np.bincount(campaigns, minlength=len(self.queries)), len(campaigns))

    def charge_all(self, asked: int) -> None:
        """Charge every campaign for all of `asked` inputs, or raise and charge nothing."""
        self._charge(np.full(len(self.queries), asked), asked)

    def _charge(self, asked: Ints, sent: int) -> None:
        over = np.flatnonzero(self.queries + asked > self.limit)
        if len(over):
            first = int(over[0])
            raise BudgetSpent(
                f"{asked[first]} more queries would exceed the budget of campaign {first}: "
                f"{self.queries[first]} of {self.limit:g} already spent"
            )
        self.queries += asked
        self.total += sent
