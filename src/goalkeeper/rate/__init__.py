"""Rate: from evidence, protection needs and policy to verdicts. Pure functions, nothing is run."""

from goalkeeper.rate._goals import rate, rate_evidence, rate_goal
from goalkeeper.rate._recompute import recompute

__all__ = ["rate", "rate_evidence", "rate_goal", "recompute"]
