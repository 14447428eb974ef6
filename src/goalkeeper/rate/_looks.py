"""What each look at a growing sample may spend of the error probability."""

from __future__ import annotations

from goalkeeper.core.errors import PolicyError
from goalkeeper.core.evidence import Evidence

# A run may be judged at an interim look and, if that settles nothing, again with the full sample.
# Each look spends its part of alpha, so that both together err with at most alpha however the
# looks depend on one another (alpha spending, Lan and DeMets 1983, in its simplest form: the union
# bound). The last look keeps most of it: what is close is decided there, and an interval at 3/4 of
# alpha is about 4 % wider than one at alpha.
SHARES = {1: (1.0,), 2: (0.25, 0.75)}


def share_of(evidence: Evidence) -> float:
    """Return the part of alpha that the look of this evidence may spend; raises PolicyError."""
    shares, index = shares_of_looks(evidence)
    return shares[index]


def shares_of_looks(evidence: Evidence) -> tuple[tuple[float, ...], int]:
    """Return the parts of alpha of all planned looks, and which is this; raises PolicyError."""
    shares = SHARES.get(evidence.looks, ())
    if not 1 <= evidence.look <= len(shares):
        raise PolicyError(
            f"{evidence.id}: look {evidence.look} of {evidence.looks} has no share of alpha; "
            f"runs have one look or {max(SHARES)}"
        )
    return shares, evidence.look - 1
