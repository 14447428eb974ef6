"""Options and events of a run; its results do not depend on them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from goalkeeper.compute.executor import Execution
from goalkeeper.core.compute_settings import ComputeSettings
from goalkeeper.core.deadline import time_limit
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.fit import FitReport
from goalkeeper.estimate import OperationTimes
from goalkeeper.planning import Unit
from goalkeeper.scheduling import RunStatus

UNLIMITED = float("inf")
# How far past the limit loading and planning may go on: a run that has a plan by then still says
# what is left. A share of the limit, and seconds.
OVERTIME_SHARE, OVERTIME = 0.05, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """How large samples are, and how long the run may take.

    Parameters
    ----------
    effort
        Multiplies sample sizes and numbers of models. None: that of the choice, else that of an
        earlier run in the same folder, else 1.
    limit
        Seconds after which attack runs end. What is missing then is inconclusive, and the same
        call continues with it later.
    begun
        The reading of the monotonic clock from which the limit counts.
    """

    effort: float | None = None
    limit: float = UNLIMITED
    begun: float = field(default_factory=time.monotonic)

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.limit - (time.monotonic() - self.begun)

    @property
    def latest_start(self) -> float:
        """The reading of the monotonic clock at which loading and planning are given up."""
        return self.begun + (1 + OVERTIME_SHARE) * self.limit + OVERTIME

    def enforced(self, grace: float = 0.0) -> AbstractContextManager[None]:
        """Have whatever trains or asks a model in a block raise TimeIsUp once time is over.

        Parameters
        ----------
        grace
            Seconds that are given beyond, as to write what there is.
        """
        return time_limit(self.begun + self.limit + grace, time.monotonic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How well the model fits its data: reported once, before any attack runs."""

    fit: FitReport


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Started:
    """The units of a run: reported once, before the first of them runs.

    Parameters
    ----------
    units, pending
        The attack runs of the plan, and the looks that may have to be made now, in order.
    kept, reused
        How many results the folder had, and how many came from the store.
    measure_times
        Measures how fast this machine is, when it is called: that takes a moment.
    workers, effort, left
        Attack runs at a time, the effort of the run, and the seconds that are left.
    """

    units: tuple[Unit, ...]
    pending: tuple[Unit, ...]
    kept: int
    reused: int
    measure_times: Callable[[], OperationTimes]
    workers: int
    effort: float
    left: float


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Finished:
    """A unit has run, its result is kept, and this is how far the run has come.

    `attackers` are those who share it: the same attack with another grant is another unit.
    """

    unit: Unit
    result: AttackResult
    status: RunStatus
    attackers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A problem that does not stop the run."""

    text: str


Event = Measured | Started | Finished | Warned


def warn_only(event: Event) -> None:
    """Turn the warnings of a run into Python warnings, and ignore its other events."""
    if isinstance(event, Warned):
        warnings.warn(event.text, stacklevel=2)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RunOptions:
    """How a run is executed, stored and followed.

    Parameters
    ----------
    execution
        Executor, number of workers, and what one unit may take.
    sizing
        How large samples are, and how long the run may take.
    compute
        Device and precision of the model of an application file; by default a GPU where there is
        one. An Application has settings of its own.
    store
        Folder of the store that runs share; True for the default one, False for none. None: the
        default one for an application file, none for an Application.
    resume
        Whether a folder that already holds a run is resumed, or refused.
    progress
        Is called with each event of the run; by default, warnings become Python warnings.
    """

    execution: Execution = field(default_factory=Execution)
    sizing: Sizing = field(default_factory=Sizing)
    compute: ComputeSettings | None = None
    store: Path | str | bool | None = None
    resume: bool = True
    progress: Callable[[Event], None] = warn_only
