"""What an attacker knows, can do, sees and may spend: a partial order.

The same type says what an attacker has and what an attack needs; `Power.lacks` gives the
difference in words, and planning is nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from enum import Flag, IntEnum, auto
from functools import reduce
from operator import or_
from typing import Literal

__all__ = [
    "UNLIMITED",
    "Attacker",
    "Budget",
    "Capability",
    "Grade",
    "Knowledge",
    "Power",
    "View",
]

UNLIMITED = math.inf


class Grade(IntEnum):
    """How much is known of one aspect."""

    NONE = 0
    PARTIAL = 1
    FULL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """Knowledge of the training data, the training algorithm and the model."""

    data: Grade = Grade.NONE
    algorithm: Grade = Grade.NONE
    model: Grade = Grade.NONE

    @property
    def box(self) -> str:
        """`"black"` (all none), `"white"` (all full) or `"grey"`; derived, never typed in."""
        grades = {self.data, self.algorithm, self.model}
        if grades == {Grade.NONE}:
            return "black"
        return "white" if grades == {Grade.FULL} else "grey"

    @property
    def perfect(self) -> bool:
        """Whether all three aspects are fully known: the worst case."""
        return self.box == "white"

    def items(self) -> tuple[tuple[str, Grade], ...]:
        """Name every aspect with its grade."""
        return tuple((f.name, getattr(self, f.name)) for f in fields(self))


class Capability(Flag):
    """The eight cells of the source's table, and the two that its integrity levels imply."""

    NOTHING = 0
    T1 = auto()
    T2 = auto()
    T3 = auto()
    T4 = auto()
    M1 = auto()
    M2 = auto()
    M3 = auto()
    M4 = auto()
    W = auto()
    O = auto()  # noqa: E741 - the name the taxonomy gives this cell

    def closed(self) -> Capability:
        """Add what is implied: T1 includes T2, T3 and T4; M1 includes M2."""
        implied = self
        if Capability.T1 in self:
            implied |= Capability.T2 | Capability.T3 | Capability.T4
        if Capability.M1 in self:
            implied |= Capability.M2
        return implied

    @classmethod
    def of(cls, names: list[str] | tuple[str, ...]) -> Capability:
        """Read capabilities from their names; raises KeyError for an unknown one."""
        return reduce(or_, (cls[name] for name in names), cls.NOTHING)

    def names(self) -> tuple[str, ...]:
        """List the single capabilities by name, in the order of the table."""
        return tuple(str(c.name) for c in type(self) if c in self)


MEANING = {
    "T1": "add or delete arbitrary training points and labels",
    "T2": "add or delete training points without influencing labels",
    "T3": "modify arbitrary or single training points",
    "T4": "modify labels of specific training points",
    "M1": "interact with the model without limit after training",
    "M2": "interact with the model, to a limit, after training",
    "M3": "manipulate the training process",
    "M4": "influence training steps and future adjustments",
    "W": "write stored parameters or files after training",
    "O": "read and write answers in transit",
}


class View(IntEnum):
    """How much of an answer is seen."""

    NOTHING = 0
    LABELS = 1
    SCORES = 2
    LOGITS = 3
    GRADIENTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent on one campaign.

    Parameters
    ----------
    queries
        Questions to the target.
    queries_per_day
        The rate that one identity is allowed; turns queries into elapsed time.
    identities
        Accounts among which queries can be spread.
    share
        Share of the training data under the attacker's control, 0 to 1.
    compute_h
        Hours of computing.
    """

    queries: float = 0
    queries_per_day: float = UNLIMITED
    identities: int = 1
    share: float = 0.0
    compute_h: float = 0.0

    def days(self, queries: float, compute_h: float) -> float:
        """Elapsed days that `queries` and `compute_h` hours take at this budget's rates."""
        rate = self.queries_per_day * self.identities
        if queries and not rate:
            return UNLIMITED
        waiting = 0.0 if math.isinf(rate) or queries == 0 else queries / rate
        return waiting + compute_h / 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Everything an attacker has, or everything an attack needs."""

    knowledge: Knowledge = field(default_factory=Knowledge)
    capabilities: Capability = Capability.NOTHING
    view: View = View.NOTHING
    budget: Budget = field(default_factory=Budget)

    @property
    def box(self) -> str:
        """`"black"`, `"grey"` or `"white"`."""
        return self.knowledge.box

    def lacks(self, need: Power) -> tuple[str, ...]:
        """Say in words what `need` asks for beyond `self`; empty when `self` suffices."""
        gaps = [
            f"{want.name.lower()} knowledge of the {_ASPECT[name]} (has {have.name.lower()})"
            for (name, want), (_, have) in zip(
                need.knowledge.items(), self.knowledge.items(), strict=True
            )
            if want > have
        ]
        missing = need.capabilities & ~self.capabilities.closed()
        gaps += [f"capability {name}: {MEANING[name]}" for name in missing.names()]
        if need.view > self.view:
            gaps.append(f"a view of {need.view.name.lower()} (sees {self.view.name.lower()})")
        gaps += [
            f"{_number(want)} {unit} (has {_number(have)})"
            for want, have, unit in (
                (need.budget.queries, self.budget.queries, "queries"),
                (need.budget.share, self.budget.share, "of the training data as a share"),
                (need.budget.compute_h, self.budget.compute_h, "hours of computing"),
            )
            if want > have
        ]
        return tuple(gaps)

    def joined(self, other: Power) -> Power:
        """Return the least power that has everything of both (spending: the larger need)."""
        return Power(
            knowledge=Knowledge(
                **{
                    name: max(grade, getattr(other.knowledge, name))
                    for name, grade in self.knowledge.items()
                }
            ),
            capabilities=self.capabilities | other.capabilities,
            view=max(self.view, other.view),
            budget=Budget(
                queries=max(self.budget.queries, other.budget.queries),
                share=max(self.budget.share, other.budget.share),
                compute_h=max(self.budget.compute_h, other.budget.compute_h),
            ),
        )


_ASPECT = {"data": "training data", "algorithm": "training algorithm", "model": "model"}


def _number(value: float) -> str:
    return "unlimited" if math.isinf(value) else f"{value:,g}"


Writes = Literal["own", "others", "stored", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attacker:
    """A named power, with the window of opportunity it has.

    `writes` says whose inputs the attacker can change before they are answered: its `own`, as a
    sender of spam; those of `others`, on their way; those that are `stored`, whoever sent them; or
    `both` its own and others on their way.
    """

    name: str
    power: Power
    window: str = "easy"
    label: str = ""
    writes: Writes = "own"

    @property
    def box(self) -> str:
        """`"black"`, `"grey"` or `"white"`."""
        return self.power.box

    def lacks_inputs(self, writes: str) -> tuple[str, ...]:
        """Say in words whose inputs a task changes that this attacker cannot; empty if it can.

        `writes` is `own`, `others`, or empty where a task changes no inputs.
        """
        if not writes or self.writes in ("both", "stored", writes):
            return ()
        return (f"to change {_INPUTS[writes]} (changes only {_INPUTS[self.writes]})",)


_INPUTS = {"own": "inputs of its own", "others": "inputs of others"}
