"""The linkage game: two releases of answers about the same people; tell who is who."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Data, Floats, Ints, row_keys
from goalkeeper.core.errors import DataError
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status, Trial
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power, View
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.linkage.person_codes import person_codes
from goalkeeper.games.shared.gains import Found
from goalkeeper.stats import clopper_pearson

FEWEST = 20  # people
METRIC = "normalised_gain"
TASK = Task(
    name="link-releases",
    harms=(Harm(Goal.PRIVACY),),
    metric=METRIC,
    sentence="tell which answers of two releases without names belong to the same person",
)
CLAIMS = {
    "": "The application does not say whether it claims anonymity or pseudonymity",
    "anonymity": "The application claims anonymity: nobody should be able to link answers about "
    "the same person",
    "pseudonymity": "The application claims pseudonymity: answers under one pseudonym belong "
    "together, but pseudonyms of two releases should not be linkable",
}


@dataclass(frozen=True, eq=False, slots=True)
class Releases:
    """Two releases of answers about the same people, in unrelated orders.

    `first` and `second` are `(people, answers, classes)`: scores, and nothing of the inputs.
    """

    first: Floats
    second: Floats


Linked = Marking[Releases, Ints, Ints]


@final
@dataclass(frozen=True, kw_only=True)
class Linkage(Game[Releases, Ints, Ints]):
    """Question: two releases. Secret: who is who. Answer: for each entry, its partner `(people,)`.

    Some records of each person are split at random into two halves, and the scores of the target
    for each half are released without names and without the records: what one would publish, or
    hand to two partners. An entry stands for `answers` answers under one pseudonym if people
    have enough records, else for fewer, down to one. No two entries may be given the same partner;
    -1 links an entry to nobody. Baseline: guessing, of which 1 in as many as there are people is
    right.
    """

    name: ClassVar[str] = "linkage"
    grows: ClassVar[Mapping[str, int]] = {"people": 60}
    answers: int = 3
    people: int = 200

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return the one task."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need people with two records or more."""
        if app.person is None:
            return Unfit(
                "which person a record belongs to is not known; name the column in the "
                "description (data.person)"
            )
        known = _owned(app)
        if app.person not in known.columns:
            return Unfit(f"the column {app.person!r} is not there in all parts of the data")
        enough = _enough(known, app.person, 2)
        if len(enough) < FEWEST:
            return Unfit(
                f"{len(enough)} people have two records or more; fewer than {FEWEST} cannot tell "
                "links from lucky guesses"
            )
        return None

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Dealt[Releases, Ints]:
        """Split people's records into two halves, and release the target's scores for them."""
        data = _owned(app)
        size, people = self._drawn(data, app.person or "", rng)
        owners = data.columns[app.person or ""].astype(str)
        rows = np.array(
            [rng.choice(np.flatnonzero(owners == p), 2 * size, replace=False) for p in people]
        )
        scores = app.target.answer(data.x[rows.ravel()], View.SCORES).scores
        both = scores.reshape(len(people), 2, size, -1)
        order = rng.permutation(len(people))
        partner = np.argsort(order)  # entry i of the first release is entry partner[i] of the other
        return Dealt(Releases(both[:, 0], both[order, 1]), partner)

    def _drawn(self, data: Data, person: str, rng: np.random.Generator) -> tuple[int, list[str]]:
        """Choose how many answers an entry has, and whose."""
        size = self.answers
        while size > 1 and len(_enough(data, person, 2 * size)) < FEWEST:
            size -= 1
        people = _enough(data, person, 2 * size)
        chosen = rng.permutation(len(people))[: self.people]
        return size, [people[i] for i in chosen]

    def mark(self, marking: Linked) -> AttackResult:
        """Count the right links."""
        truth = marking.dealt.secret
        links = _checked(marking.final.answer, len(truth))
        n = len(truth)
        right = int((links == truth).sum())
        # Of all n * n pairs n are right: what a guess meets, known exactly.
        found = Found(right, n, n, n * n)
        point = marking.final
        spent = float(point.queries[0])
        hours = point.cost.seconds / 3600
        trial = Trial(budget=spent, queries=spent, compute_h=hours, tally=found.tally)
        claims = marking.app.claims
        size = marking.dealt.question.first.shape[1]
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(right, n, size, claims),
            measurements=_measurements(found, links),
            trials=(trial,),
            caveats=_caveats(size, claims),
            exhibits=_exhibits(links, marking),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Make the scores a code of the person."""
        return replace(app, target=person_codes(app))

    def smaller(self) -> Linkage:
        """Return the game with fewer people."""
        return replace(self, people=min(self.people, 60))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Count the answers of the releases and what the attack may ask."""
        released = 2 * self.answers * self.people
        return Estimate(queries=released + min(granted.budget.queries, 2000))


# ---- people ------------------------------------------------------------------------------------


def _owned(app: Application) -> Data:
    """Return all records but the attacker's own, which must not hold what is released.

    Equal records stand there once: the same record in both releases would link by itself.
    """
    data = app.data.holdout.joined(app.data.calibration).joined(app.data.train)
    first = {key: row for row, key in reversed(list(enumerate(row_keys(data.x))))}
    return data.take(np.sort(np.array(list(first.values()), dtype=np.int64)))


def _enough(data: Data, person: str, fewest: int) -> list[str]:
    names, counts = np.unique(data.columns[person].astype(str), return_counts=True)
    return [str(name) for name in names[counts >= fewest]]


def _checked(answer: Ints, n: int) -> Ints:
    """Check the form of links.

    Raises
    ------
    DataError
        They are not whole numbers of `-1 .. n-1`, one an entry, or name a partner twice.
    """
    links = np.asarray(answer)
    if links.shape != (n,) or links.dtype.kind not in "iu":
        raise DataError(
            f"links must be {n} whole numbers, one for each entry; given {links.dtype} of shape "
            f"{links.shape}"
        )
    made = links[links >= 0]
    if len(links) and not -1 <= links.min() <= links.max() < n:
        raise DataError(f"links must lie in -1 .. {n - 1}, given {links.min()} .. {links.max()}")
    if len(np.unique(made)) < len(made):
        raise DataError("an entry of the second release is linked twice; link it once at most")
    return links.astype(np.int64)


# ---- what is shown -----------------------------------------------------------------------------


def _summary(right: int, n: int, size: int, claims: str) -> str:
    each = "one answer" if size == 1 else f"{size} answers"
    return (
        f"from {each} in each of two releases {right} of {n} people are linked rightly; a guess "
        f"is right once in {n}. {CLAIMS[claims]}"
    )


def _measurements(found: Found, links: Ints) -> tuple[Measurement, ...]:
    low, high = clopper_pearson(found.successes, found.n)
    made = int((links >= 0).sum())
    return (
        found.measured(METRIC, "right links over guessing"),
        Measurement(
            metric="right links",
            value=found.successes / found.n,
            low=low,
            high=high,
            baseline=found.baseline_successes / found.baseline_n,
            n=found.n,
            note=f"of all people; {made} were linked to somebody",
        ),
    )


def _caveats(size: int, claims: str) -> tuple[str, ...]:
    said = ["the attacker sees answers only; who also sees inputs can link by those"]
    if size > 1:
        said.append(
            f"an entry holds {size} answers under one pseudonym; with single answers fewer people "
            "can be linked"
        )
    if not claims:
        said.append(
            "which grade is claimed is not declared (privacy.claims: anonymity or pseudonymity)"
        )
    return tuple(said)


def _exhibits(links: Ints, marking: Linked) -> tuple[Exhibit, ...]:
    hits = np.flatnonzero(links == marking.dealt.secret)
    if not len(hits):
        return ()
    question = marking.dealt.question
    i = int(hits[0])
    label = int(question.first[i].mean(axis=0).argmax())

    def told(rows: Floats) -> str:
        return ", ".join(f"{value:.4f}" for value in rows[:, label])

    return (
        Exhibit(
            title="two entries that were rightly linked",
            before=told(question.first[i]),
            after=told(question.second[int(links[i])]),
            note=f"scores for class {marking.app.classes[label]}",
            private=True,
        ),
    )
