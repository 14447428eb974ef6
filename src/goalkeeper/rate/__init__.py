"""Rate: evidence, protection needs and policy give verdicts. Pure functions; no attack is run."""

from goalkeeper.rate._goals import rate, rate_evidence, rate_goal
from goalkeeper.rate._joined import join_evidence
from goalkeeper.rate._recompute import recompute

__all__ = ["join_evidence", "rate", "rate_evidence", "rate_goal", "recompute"]
