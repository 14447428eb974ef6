"""Records that look like one class as far as an honest labeller still says another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from goalkeeper.attacks.base import Attack, Unfit
from goalkeeper.attacks.poisoning._steps import choose_class, require_labeller, submit_in_steps
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.change import Change
from goalkeeper.core.data import Data, Floats, Inputs, Ints
from goalkeeper.core.domain import Domain, TableDomain
from goalkeeper.games.poisoning import Contribution, Poisoning, PoisoningQuestion

# Parts of the entries that are taken over, the largest differences first. The attacker tries them
# all on the labeller and keeps the largest part with which the label stays.
PARTS = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)


@final
@dataclass(frozen=True, kw_only=True)
class HonestLookalikes(Attack[PoisoningQuestion, Contribution]):
    """Add records that resemble the class under attack and are honestly labelled as another.

    For each of its records of the class, the attacker takes the nearest one of another class and
    gives it the entries in which the two differ most, as many as leave the honest label as it is.
    The victim learns that what looks like the class is none. Records that came nearest to the class
    are sent first. Costs no query and no model.

    Deviations: the paper's adversary labels correctly, and adds features of one class to samples
    of the other, which a learner of signatures then distrusts; here entries are exchanged.
    """

    game = Poisoning
    variant = "poisoning.insert_unlabelled"
    reference = (
        "Newsome, Karp and Song 2006, Paragraph: thwarting signature learning by training "
        "maliciously, RAID (red herrings of a delusive adversary)"
    )
    domains: ClassVar[frozenset[str]] = frozenset({"table", "image"})
    tasks: ClassVar[tuple[str, ...]] = ("harmless-declined", "accuracy-drop")

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse applications without an honest labelling process."""
        return require_labeller(app)

    def run(self, question: PoisoningQuestion, access: Access) -> Contribution:
        """Return the largest contribution that the share allows; smaller ones on the way."""
        data = access.data()
        label = choose_class(question, access, data)
        ours, others = data.take(data.y == label), data.take(data.y != label)
        counts = question.addition_counts(access.granted.budget.share)
        if not (len(ours) and len(others) and counts):
            return submit_in_steps(access, (), lambda _: Change())
        scale = measure_spread(data.x)
        nearest = find_nearest(ours.x, others.x, scale)
        bases, x = others.take(nearest), others.x[nearest]
        done = np.zeros(len(x), dtype=bool)
        for part in PARTS:
            tried = take_over(bases.x, ours.x, part, scale, access.domain)
            labels = ask_labeller(access, tried, bases, counts[-1])
            fine = ~done & (labels != label) & access.domain.valid(tried)
            x = np.where(fine.reshape(-1, *[1] * (x.ndim - 1)), tried, x)
            done |= fine
        order = np.argsort(_distances(x, ours.x, scale), kind="stable")

        def change(count: int) -> Change:
            chosen = np.resize(order, count)
            return Change(add=x[chosen], bases=bases.take(chosen))

        return submit_in_steps(access, counts, change)


def ask_labeller(access: Access, x: Inputs, bases: Data, at_once: int) -> Ints:
    """Return the honest labels `(n,)` of records: a public process, so that anybody can see them.

    No more are asked at once than the attacker may add.
    """
    parts = [slice(i, i + at_once) for i in range(0, len(x), at_once)]
    return np.concatenate(
        [access.check(Change(add=x[part], bases=bases.take(part))).extra.y for part in parts]
    )


def measure_spread(x: Inputs) -> Floats:
    """Measure the spread of each entry of records `(n, ...)`; 1 where it is always the same."""
    flat = _flatten(x)
    spread = np.nanstd(flat, axis=0) if len(flat) else np.ones(flat.shape[1])
    return np.where(np.isfinite(spread) & (spread > 0), spread, 1.0)


def find_nearest(x: Inputs, others: Inputs, scale: Floats) -> Ints:
    """Find the nearest of `others` `(m, ...)` to each record `(n, ...)`, `(n,)`."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(n_neighbors=1).fit(np.nan_to_num(_flatten(others) / scale))
    found = index.kneighbors(np.nan_to_num(_flatten(x) / scale), return_distance=False)
    return np.asarray(found[:, 0], dtype=np.int64)


def take_over(bases: Inputs, towards: Inputs, part: float, scale: Floats, domain: Domain) -> Inputs:
    """Give records `(n, ...)` the part of the entries of others in which they differ most.

    One-hot groups are taken over as a whole; of pixels all channels.
    """
    groups = _groups(bases, domain)
    differs = np.abs(np.nan_to_num(_flatten(towards) - _flatten(bases))) / scale
    by_group = np.stack([differs[:, group].max(axis=1) for group in groups], axis=1)
    rank = np.argsort(np.argsort(-by_group, axis=1, kind="stable"), axis=1, kind="stable")
    taken = (rank < np.floor(part * len(groups) + 1e-9)) & (by_group > 0)
    chosen = np.zeros(differs.shape, dtype=bool)
    for i, group in enumerate(groups):
        chosen[:, group] = taken[:, i, None]
    return np.where(chosen.reshape(bases.shape), towards, bases)


def _groups(x: Inputs, domain: Domain) -> list[list[int]]:
    """List the entries of a record that change together."""
    if not isinstance(domain, TableDomain):
        pixels = int(np.prod(x.shape[2:]))
        return [list(range(i, pixels * x.shape[1], pixels)) for i in range(pixels)]
    grouped = [list(group) for group in domain.one_hot]
    inside = {entry for group in grouped for entry in group}
    return [*grouped, *([j] for j in range(x.shape[1]) if j not in inside)]


def _distances(x: Inputs, towards: Inputs, scale: Floats) -> Floats:
    differs = np.nan_to_num((_flatten(x) - _flatten(towards)) / scale)
    return np.asarray(np.square(differs).sum(axis=1))


def _flatten(x: Inputs) -> Floats:
    return np.asarray(x, dtype=np.float64).reshape(len(x), -1)
