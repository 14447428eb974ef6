"""Choose the effort of a run: the given one, or the one it started with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from goalkeeper.assessing import Session, resized
from goalkeeper.core.amounts import MAX_EFFORT, MIN_EFFORT
from goalkeeper.core.errors import DescriptionError
from goalkeeper.estimate import OperationTimes, measure_times
from goalkeeper.running.options import Sizing


def check_effort(effort: float) -> float:
    """Return an effort that is in range; raises DescriptionError."""
    if not MIN_EFFORT <= effort <= MAX_EFFORT:
        raise DescriptionError(
            "there is no such effort",
            key="--effort",
            expected=f"a number from {MIN_EFFORT:g} to {MAX_EFFORT:g}",
            given=f"{effort:g}",
        )
    return effort


def settle_effort(session: Session, sizing: Sizing) -> tuple[Session, Callable[[], OperationTimes]]:
    """Choose the effort and plan with it; return what measures the operation times on first use.

    Raises
    ------
    DescriptionError
        The effort is out of range.
    """
    planned = session.plan.choice.effort
    chosen = sizing.effort or (None if planned == 1 else planned) or _read_earlier_effort(session)
    chosen = check_effort(chosen or 1.0)
    session = session if chosen == planned else resized(session, chosen)
    return session, cache(partial(measure_times, session.app, session.plan.units))


def _read_earlier_effort(session: Session) -> float | None:
    """Return the effort of the run that the folder holds."""
    effort = session.folder.record().get("effort") if session.folder is not None else None
    return float(effort) if isinstance(effort, int | float) else None
