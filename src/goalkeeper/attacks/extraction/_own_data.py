"""Ask about the attacker's own inputs, then about blends of them, and learn from the answers."""

from __future__ import annotations

from collections.abc import Iterator

from goalkeeper.attacks.extraction._learning import AnsweredInputs, blend_inputs, learn_substitute
from goalkeeper.attacks.extraction._substitutes import ConstantSubstitute
from goalkeeper.core.access import Access
from goalkeeper.core.data import Inputs
from goalkeeper.games.extraction import Substitute

INPUT_SHARES = (0.25, 0.5, 1.0)  # of the attacker's own inputs, after which a substitute is learnt


def learn_from_own_data(access: Access, most: int, blended: float) -> Iterator[Substitute]:
    """Yield ever better substitutes.

    Parameters
    ----------
    access
        Data and questions.
    most
        One's own inputs asked, at most.
    blended
        Blends asked, as a multiple of the attacker's own inputs.
    """
    x = access.data().x
    x = x[access.rng.permutation(len(x))][:most]
    answered: AnsweredInputs | None = None
    done = 0
    for share in INPUT_SHARES:
        end = max(done + 1, int(share * len(x)))
        answered = _ask(access, x[done:end], answered)
        done = end
        if answered is None:
            yield ConstantSubstitute(0)
            return
        yield learn_substitute(answered, access.domain, access.rng)
    size = min(int(blended * len(x)), int(access.left()[0]))
    if size and answered is not None:
        blends = blend_inputs(x, size, access.domain, access.rng)
        fuller = _ask(access, blends[access.domain.valid(blends)], answered)
        if fuller is not None:
            yield learn_substitute(fuller, access.domain, access.rng)


def _ask(access: Access, x: Inputs, before: AnsweredInputs | None) -> AnsweredInputs | None:
    x = x[: int(access.left()[0])]
    if not len(x):
        return before
    fresh = AnsweredInputs.of(x, access.query(x))
    return before.joined(fresh) if before else fresh
