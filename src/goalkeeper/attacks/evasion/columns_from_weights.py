"""Read the weights of a linear model, and change the fewest entries that flip its answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._cells import CellAttack, RowItem, search_greedily
from goalkeeper.attacks.evasion._query_plans import QueryPlan, Reply
from goalkeeper.core.access import Access
from goalkeeper.core.application import Application
from goalkeeper.core.data import Bools, Floats
from goalkeeper.core.design import Design
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import UNLIMITED, Budget
from goalkeeper.games.evasion import EntryChanges, EntryConstraint, EvasionQuestion


@final
@dataclass(frozen=True, kw_only=True)
class ColumnsFromWeights(CellAttack):
    """Change the entry that helps most by the weights, until they predict that the answer flips.

    With two classes the gains of the entries add up, so that no smaller number of entries would
    do: the result is exact, also where words are encoded, missing values filled in and numbers cut
    into bins or bent by a rising curve before they are weighed. The variant is `evasion.gradient`:
    the weights of a linear model are its gradient. With relations between columns or costs, or
    more classes, the search is greedy, and not exact.

    Deviations: the papers minimise a distance or a cost; here it is the number of entries.
    """

    variant = "evasion.gradient"
    reference = (
        "Lowd, Meek 2005, Adversarial learning, KDD; "
        "Biggio et al. 2013, Evasion attacks against machine learning at test time, ECML PKDD"
    )
    most = Budget(compute_h=UNLIMITED)

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse a model whose weights cannot be read."""
        try:
            parameters = app.target.parameters()
        except NotOffered as error:
            return Unfit(f"the attack reads linear weights: {error}")
        if "weights" not in parameters:
            return Unfit("the attack reads linear weights, and the parameters name none")
        return None

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[RowItem], QueryPlan]:
        """Read the weights once."""
        parameters = access.parameters()
        weights, bias = expand_class_rows(parameters["weights"], parameters["bias"])
        design: Design | None = parameters.get("design")

        def plan(item: RowItem) -> QueryPlan:
            row = change_fewest(item, weights, bias, design)
            yield row[None]

        return plan


def expand_class_rows(weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """Return one row of weights `(classes, d)` for each class, also where there are two."""
    weights, bias = np.asarray(weights, np.float64), np.asarray(bias, np.float64)
    if len(weights) > 1:
        return weights, bias
    return np.vstack([np.zeros_like(weights), weights]), np.concatenate([[0.0], bias])


def change_fewest(
    item: RowItem, weights: Floats, bias: Floats, design: Design | None = None
) -> Floats:
    """Change the fewest entries that turn the answer, or as many as are allowed."""
    search = search_greedily(item if design is None else _with_jumps(item, design))
    try:
        rows = next(search)
        while True:
            features = rows if design is None else design.expand(rows)
            lead = _lead(features @ weights.T + bias, item.wanted)
            rows = search.send(Reply(lead > 0, lead))
    except StopIteration as end:
        return np.asarray(end.value[0])


def _lead(logits: Floats, wanted: Bools) -> Floats:
    """Return how far the wanted answers are ahead; a row without an answer never is."""
    lead = logits[:, wanted].max(axis=1) - logits[:, ~wanted].max(axis=1)
    return np.asarray(np.where(np.isnan(lead), -np.inf, lead))


def _with_jumps(item: RowItem, design: Design) -> RowItem:
    """Let numbers also go where a feature jumps: the best value of a number may lie within."""
    low, high = item.constraint.box(item.row[None])
    entries, masks, values = [], [], []
    places = np.arange(len(item.row))
    for k, (first, *others) in enumerate(item.constraint.parts):
        column = item.constraint.domain.columns[first]
        if others or column.categories or np.isnan(item.row[first]):
            continue
        stops = design.jumps(first)
        if column.kind == "integer":
            stops = np.unique(np.concatenate([np.floor(stops), np.ceil(stops)]))
        for stop in stops[(stops >= low[0, first]) & (stops <= high[0, first])]:
            if stop != item.row[first]:
                entries.append(k)
                masks.append(places == first)
                values.append(np.where(places == first, stop, item.row))
    if not entries:
        return item
    entry = np.concatenate([item.changes.entry, np.array(entries, dtype=np.int64)])
    order = np.argsort(entry, kind="stable")  # the changes of an entry lie together
    mask = np.concatenate([item.changes.mask, masks])[order]
    value = np.concatenate([item.changes.value, values])[order]
    return replace(item, changes=EntryChanges(mask=mask, value=value, entry=entry[order]))


def perturb(
    weights: Floats,
    bias: Floats,
    x: Floats,
    wanted: Bools,
    constraint: EntryConstraint,
    design: Design | None = None,
) -> Floats:
    """Change rows of a linear model, without any framework.

    Parameters
    ----------
    weights, bias
        `(classes, d)` and `(classes,)`; or one row towards class 1.
    x
        Rows `(n, d)`.
    wanted
        Which answers are wanted, `(n, classes)`.
    constraint
        Which entries may change, and how many.
    design
        What the weights multiply; None: the columns themselves.

    Returns
    -------
    (n, d)
        Rows with the fewest entries changed; they may not reach the aim.
    """
    weights, bias = expand_class_rows(weights, bias)
    rng = np.random.default_rng(0)
    items = [
        RowItem.of(row, want, constraint, rng)
        for row, want in zip(np.asarray(x, np.float64), wanted, strict=True)
    ]
    return np.array([change_fewest(item, weights, bias, design) for item in items]).reshape(
        np.shape(x)
    )
