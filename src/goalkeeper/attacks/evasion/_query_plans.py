"""Attacks that follow one query plan for each input: the plans run side by side in the driver.

A plan is a generator. It yields the candidates to ask next, gets the `Reply` to them, and ends when
it has nothing left to try; so an attack on one input reads as one function.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, final

import numpy as np

from goalkeeper.attacks.evasion._driver import (
    EvasionAttack,
    Proposal,
    QueryResults,
    State,
    score_leads,
)
from goalkeeper.core.access import Access
from goalkeeper.core.data import Bools, Floats, Inputs
from goalkeeper.core.power import View
from goalkeeper.games.evasion import EvasionQuestion


@dataclass(frozen=True, eq=False, slots=True)
class Reply:
    """What was answered about the candidates of one input: which reached the goal `(q,)`.

    `lead` `(q,)` is how far the best wanted answer is ahead in log scores; nan if not seen.
    """

    reached: Bools
    lead: Floats


QueryPlan = Generator[Any, Reply, None]  # yields candidates (q, ...) of one input to ask


@dataclass(frozen=True, eq=False, kw_only=True)
class Pending(State):
    """The plan for each input `(a,)`, the candidates it wants asked next `(a,)`, wanted answers.

    Inputs are texts where `shape` is None, else arrays of it. `scored`: whether scores are seen.
    """

    plans: Inputs
    candidates: Inputs
    wanted: Bools
    shape: tuple[int, ...] | None
    scored: bool


Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class PlanAttack(EvasionAttack[Pending], Generic[Item]):
    """An attack by query plans. Subclasses say what an item is, and how to plan for one."""

    @abstractmethod
    def items(self, question: EvasionQuestion, streams: Inputs) -> list[Item]:
        """Return each input with what its plan needs to know; check the constraint."""

    @abstractmethod
    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[Item], QueryPlan]:
        """Learn what holds for all inputs, and return how to plan for one."""

    @final
    def start(self, question: EvasionQuestion, streams: Inputs, access: Access) -> Pending:
        """Begin the plan for each input."""
        items = self.items(question, streams)
        plan = self.planner(question, access)
        plans = np.empty(len(items), dtype=object)
        candidates = np.empty(len(items), dtype=object)
        for i, item in enumerate(items):
            plans[i] = plan(item)
            candidates[i] = next(plans[i], ())
        return Pending(
            done=_find_ended(candidates),
            plans=plans,
            candidates=candidates,
            wanted=question.goal.wanted,
            shape=None if question.x.dtype == object else question.x.shape[1:],
            scored=access.granted.view >= View.SCORES,
        )

    @final
    def propose(self, state: Pending) -> Proposal:
        """Put the candidates of all plans into one array, short lists filled up."""
        size = len(state.candidates), max(len(asked) for asked in state.candidates)
        x: Inputs = np.full(size, "", dtype=object)
        if state.shape is not None:
            x = np.zeros((*size, *state.shape))
        to_ask = np.zeros(size, dtype=bool)
        for i, asked in enumerate(state.candidates):
            x[i, : len(asked)] = asked
            to_ask[i, : len(asked)] = True
        return Proposal(x, to_ask)

    @final
    def update(self, state: Pending, seen: QueryResults) -> Pending:
        """Send each plan its reply, and take its next candidates."""
        lead = np.full(seen.asked.shape, np.nan)
        if state.scored:
            lead = score_leads(seen.scores(), state.wanted)
        candidates = state.candidates.copy()
        for i, plan in enumerate(state.plans):
            size = len(candidates[i])
            candidates[i] = send_reply(plan, Reply(seen.reached[i, :size], lead[i, :size]))
        return replace(state, done=_find_ended(candidates), candidates=candidates)


def send_reply(plan: QueryPlan, reply: Reply) -> Any:
    """Send a plan its reply; return its next candidates, none when it has ended."""
    try:
        return plan.send(reply)
    except StopIteration:
        return ()


def _find_ended(candidates: Inputs) -> Bools:
    return np.array([len(asked) == 0 for asked in candidates], dtype=bool)
