"""Ask about one's own inputs, then about blends of them, and learn from the answers."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.attacks.extraction._copies import Constant
from goalkeeper.attacks.extraction._learning import Answered, blends, learnt
from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs
from goalkeeper.games.extraction import Substitute

SHARES = (0.25, 0.5, 1.0)  # of one's own inputs, after which a substitute is learnt


def copied(access: Access, most: int, blended: float) -> Iterator[Substitute]:
    """Yield ever better substitutes.

    Parameters
    ----------
    access
        Data and questions.
    most
        One's own inputs asked, at most.
    blended
        Blends asked, as a multiple of one's own inputs.
    """
    x = access.data().x
    x = x[access.rng.permutation(len(x))][:most]
    answered: Answered | None = None
    done = 0
    for share in SHARES:
        end = max(done + 1, int(share * len(x)))
        answered = _asked(access, x[done:end], answered)
        done = end
        if answered is None:
            yield Constant(0)
            return
        yield learnt(answered, access.domain, access.rng)
    size = min(int(blended * len(x)), int(access.left()[0]))
    if size and answered is not None:
        more = blends(x, size, access.domain, access.rng)
        fuller = _asked(access, more[access.domain.valid(more)], answered)
        if fuller is not None:
            yield learnt(fuller, access.domain, access.rng)


def _asked(access: Access, x: Inputs, before: Answered | None) -> Answered | None:
    x = x[: int(access.left()[0])]
    if not len(x):
        return before
    fresh = Answered.of(x, access.query(x))
    return before.joined(fresh) if before else fresh
