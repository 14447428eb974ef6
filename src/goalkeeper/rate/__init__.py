"""Rate: evidence, protection needs and policy give verdicts. Pure functions; no attack is run."""

from goalkeeper.rate._goals import Settled, rate, rate_evidence, rate_goal, settle
from goalkeeper.rate._joined import join_evidence
from goalkeeper.rate._looks import share_of, shares_of_looks
from goalkeeper.rate._recompute import recompute
from goalkeeper.rate._steps import next_steps

__all__ = [
    "Settled",
    "join_evidence",
    "next_steps",
    "rate",
    "rate_evidence",
    "rate_goal",
    "recompute",
    "settle",
    "share_of",
    "shares_of_looks",
]
