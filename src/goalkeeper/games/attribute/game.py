"""The attribute game: guess a sensitive column of training records from the rest and the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Bools, Data, Floats
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Grade, Power
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.attribute.columns import Attribute, describe_attribute
from goalkeeper.games.attribute.imputer import Imputers
from goalkeeper.games.attribute.marks import HiddenValues, mark_guesses
from goalkeeper.games.attribute.revealing import AttributeRevealingTarget
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.shared.grants import own_data

MIN_RECORDS = 20  # of training records, of others, and half of what an imputer needs
METRIC = "normalised_gain"


@dataclass(frozen=True, eq=False, slots=True)
class IncompleteRecords:
    """Records with their classes, NaN in place of the attribute, and the values it may have.

    `imputers` make of an attacker's own data what they say of the attribute without the model.
    """

    records: Data
    attribute: Attribute
    imputers: Imputers


@final
@dataclass(frozen=True, kw_only=True)
class AttributeInference(Game[IncompleteRecords, HiddenValues, Floats]):
    """Question: records without one column. Secret: its values. Answer: a score for each value.

    Half of the records are training records, the others are not; the attack cannot tell which.
    A success is the correct value (of a number: the correct fifth of its distribution) with the
    highest score `(n, values)`. Each record is a campaign of its own.

    What counts is the gain on training records over the better of two attackers without this
    model: imputation from the attacker's own data (Jayaraman and Evans 2022), and the same
    attack on the other records. So facts about people in general, which any good model learns,
    are no leak of the records.
    """

    name: ClassVar[str] = "attribute"
    domains: ClassVar[frozenset[str]] = frozenset({"table"})
    grows: ClassVar[Mapping[str, int]] = {"per_side": 200}
    per_side: int = 3000

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return one task for every column that is declared sensitive, or one that says so."""
        if not app.sensitive:
            sentence = "guess a sensitive column of training records"
            return (Task(name="attribute", harms=_HARMS, metric=METRIC, sentence=sentence),)
        return tuple(
            Task(
                name=f"attribute-{column}",
                harms=_HARMS,
                metric=METRIC,
                sentence=f"guess {column} of a person in the training data, whose other columns "
                "and class are known",
                about=column,
            )
            for column in app.sensitive
        )

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need a sensitive column that the model takes, and enough records."""
        if not task.about:
            return _explain_undeclared(app)
        attribute = describe_attribute(app, task.about)
        if attribute is None:
            return _explain_unused(app, task.about)
        if len(attribute.values) < 2:
            return Unfit(
                f"{task.about} has a single value, so there is nothing to guess", proven=True
            )
        sizes = app.data.sizes()
        if (
            min(sizes["train"], sizes["holdout"]) < MIN_RECORDS
            or sizes["similar"] < 2 * MIN_RECORDS
        ):
            return Unfit(
                f"{MIN_RECORDS} training records, as many others and {2 * MIN_RECORDS} similar "
                f"ones are needed; there are {sizes['train']}, {sizes['holdout']} and "
                f"{sizes['similar']}"
            )
        return None

    def baseline_power(self, attacker: Power) -> Power:
        """Return the attacker's data, from which a value is imputed without the model."""
        return own_data(attacker)

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Let a run decide only where the description says that a column is sensitive."""
        if not task.about:
            return Standing.by_assumption(
                "no column is declared sensitive; name those that are as data.sensitive"
            )
        return DECIDES

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[IncompleteRecords, HiddenValues]:
        """Mix training records with as many others, and hide the column."""
        attribute = _require_attribute(app, task)
        train, others = app.data.train, app.data.holdout
        usable = [np.flatnonzero(attribute.encode(d.x) >= 0) for d in (train, others)]
        k = min(self.per_side, *map(len, usable))
        inside, outside = (rng.choice(rows, k, replace=False) for rows in usable)
        order = rng.permutation(2 * k)
        both = train.take(inside).joined(others.take(outside)).take(order)
        withheld = np.zeros(len(train), dtype=bool)
        withheld[inside] = True
        truth = HiddenValues(
            values=attribute.encode(both.x),
            member=order < k,
            groups=_group_masks(app, task, attribute, both),
        )
        shown = Data(x=attribute.hide(both.x), y=both.y)
        question = IncompleteRecords(shown, attribute, app.once(Imputers))
        return Deal(question, truth, 2 * k, withheld)

    def mark(self, marking: Marking[IncompleteRecords, HiddenValues, Floats]) -> AttackResult:
        """Count correct values beside those of imputation from the attacker's own data."""
        app, question = marking.app, marking.deal.question
        data = app.data.similar
        if marking.attacker.knowledge.data is Grade.FULL and marking.deal.withheld is not None:
            data = data.joined(app.data.train.take(~marking.deal.withheld))
        imputer = question.imputers.trained_on(data, question.attribute)
        imputed = imputer.log_chances(question.records)
        return mark_guesses(marking, question.attribute, imputed, imputer.learner)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Return the application with a model that recognises the hidden value of its records."""
        attribute = _require_attribute(app, task)
        return replace(app, target=AttributeRevealingTarget(app.target, app.data.train, attribute))

    def smaller(self) -> AttributeInference:
        """Return the game with fewer records."""
        return replace(self, per_side=min(self.per_side, 200))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count one query for every record and candidate value."""
        attribute = describe_attribute(app, task.about)
        if attribute is None:
            return Estimate()
        sizes = app.data.sizes()
        k = min(self.per_side, sizes["train"], sizes["holdout"])
        return Estimate(queries=2 * k * min(len(attribute.fills), granted.budget.queries))


_HARMS = (Harm(Goal.PRIVACY),)


def _require_attribute(app: Application, task: Task) -> Attribute:
    attribute = describe_attribute(app, task.about)
    if attribute is None:
        raise ValueError(f"the model does not take {task.about}; unfit() says so in advance")
    return attribute


def _group_masks(
    app: Application, task: Task, attribute: Attribute, both: Data
) -> Mapping[str, Bools]:
    """List who is in which group: the attribute itself, then subgroups, people and classes."""
    codes = attribute.encode(both.x)
    groups: dict[str, Bools] = {
        f"{task.about} {value}": codes == i for i, value in enumerate(attribute.values)
    }
    for column in [*app.subgroups, *([app.person] if app.person else [])]:
        if column != task.about:
            names: NDArray[Any] = both.columns[column].astype(str)
            groups |= {f"{column} {v}": names == v for v in sorted(set(names.tolist()))}
    return groups | {f"class {c}": both.y == i for i, c in enumerate(app.classes)}


def _explain_undeclared(app: Application) -> Unfit:
    if isinstance(app.domain, TextDomain) and app.trainer is not None:
        return Unfit(
            "the model takes a text and nothing else, so there is no column to hide and to guess",
            proven=True,
        )
    return Unfit("no column is declared sensitive; name those that are as `data.sensitive`")


def _explain_unused(app: Application, column: str) -> Unfit:
    if app.trainer is not None:
        return Unfit(
            f"{column} is not an input of the model and was not used in training, so the model "
            "reveals no more about it than the rest of the record does",
            proven=True,
        )
    return Unfit(
        f"the model does not take {column}, so it cannot be asked about its values; whether it "
        "was trained with them is not known"
    )
