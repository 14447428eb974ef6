"""Schedule: which attack runs can still decide a verdict, in which order, and when to stop."""

from goalkeeper.scheduling.agenda import Agenda, RunStatus
from goalkeeper.scheduling.nominal import nominal_times
from goalkeeper.scheduling.prospects import Stakes, narrow

__all__ = ["Agenda", "RunStatus", "Stakes", "narrow", "nominal_times"]
