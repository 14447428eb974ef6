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
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Power, View
from goalkeeper.core.standing import DECIDES, Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.linkage.one_record import every_record, find_contradiction
from goalkeeper.games.linkage.person_codes import person_codes
from goalkeeper.games.shared.measuring import GainCounts, build_gain_trial
from goalkeeper.games.shared.wording import percent, span

MIN_PEOPLE = 20
METRIC = "normalised_gain"
TASK = Task(
    name="link-releases",
    harms=(Harm(Goal.PRIVACY),),
    metric=METRIC,
    sentence="link the answers of two anonymised releases that belong to the same person",
)
ONE_RECORD = (
    "the description says that each record is of another person (threats.linkage), and neither "
    "repeated records nor a column of persons contradict it: nobody has two records to link"
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


LinkageMarking = Marking[Releases, Ints, Ints]


@final
@dataclass(frozen=True, kw_only=True)
class Linkage(Game[Releases, Ints, Ints]):
    """Question: two releases. Secret: who is who. Answer: for each entry, its partner `(people,)`.

    Some records of each person are split at random into two halves, and the scores of the target
    for each half are released without names and without the records: what one would publish, or
    hand to two partners. An entry stands for `answers` answers under one pseudonym if people
    have enough records, else for fewer, down to one. No two entries may be given the same partner;
    -1 leaves an entry unlinked. Baseline: guessing, of which 1 in as many as there are people is
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
        """Need people with two records or more; rule linkage out where nobody has two."""
        if app.one_record_a_person:
            refuted = app.once(find_contradiction)
            if not refuted:
                return Unfit(ONE_RECORD, proven=True)
            if app.person is None:
                return Unfit(
                    f"the description says that each record is of another person, but {refuted}; "
                    "name the column of the person (data.person), or take out threats.linkage"
                )
        if app.person is None:
            return Unfit(
                "it is not known which person a record belongs to; name the column in the "
                "description (data.person), or say that nobody has two records (threats.linkage)"
            )
        data = _releasable_records(app)
        if app.person not in data.columns:
            return Unfit(f"the column {app.person!r} is missing in some part of the data")
        people = _people_with(data, app.person, 2)
        if not people and _names_everybody(app, app.person):
            return Unfit(
                f"the column {app.person} names another person for each record, so that nobody "
                "has two to link",
                proven=True,
            )
        if len(people) < MIN_PEOPLE:
            return Unfit(
                f"{len(people)} people have two records or more; at least {MIN_PEOPLE} are needed "
                "to distinguish links from chance"
            )
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Let linkage decide only where the description says whose records are whose."""
        if app.person is None and not app.one_record_a_person:
            return Standing.by_assumption(
                "the description does not say whether anybody has several records: name the column "
                "of the person (data.person), or declare threats.linkage"
            )
        return DECIDES

    def deal(self, app: Application, task: Task, rng: np.random.Generator) -> Deal[Releases, Ints]:
        """Split people's records into two halves, and release the target's scores for them."""
        data = _releasable_records(app)
        size, people = self._draw_people(data, app.person or "", rng)
        owners = data.columns[app.person or ""].astype(str)
        rows = np.array(
            [rng.choice(np.flatnonzero(owners == p), 2 * size, replace=False) for p in people]
        )
        scores = app.target.answer(data.x[rows.ravel()], View.SCORES).scores
        both = scores.reshape(len(people), 2, size, -1)
        order = rng.permutation(len(people))
        partner = np.argsort(order)  # entry i of the first release is entry partner[i] of the other
        return Deal(Releases(both[:, 0], both[order, 1]), partner)

    def _draw_people(
        self, data: Data, person: str, rng: np.random.Generator
    ) -> tuple[int, list[str]]:
        """Choose how many answers an entry has, and whose."""
        size = self.answers
        while size > 1 and len(_people_with(data, person, 2 * size)) < MIN_PEOPLE:
            size -= 1
        people = _people_with(data, person, 2 * size)
        chosen = rng.permutation(len(people))[: self.people]
        return size, [people[i] for i in chosen]

    def mark(self, marking: LinkageMarking) -> AttackResult:
        """Count the right links."""
        truth = marking.deal.secret
        links = _check_links(marking.final.answer, len(truth))
        n = len(truth)
        # Of all n * n pairs n are right: the success rate of a guess, known exactly.
        counts = GainCounts(int((links == truth).sum()), n, n, n * n)
        claims = marking.app.claims
        size = marking.deal.question.first.shape[1]
        return AttackResult(
            status=Status.TESTED,
            summary=_summarise(counts, size, claims),
            measurements=_measure(counts, links),
            trials=(build_gain_trial(marking.final, counts),),
            caveats=_list_caveats(size, claims),
            exhibits=_show_example(links, marking),
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


def _releasable_records(app: Application) -> Data:
    """Return all records but the attacker's own, which must not be among those released.

    Equal records are kept once: the same record in both releases would link by itself.
    """
    data = app.data.holdout.joined(app.data.calibration).joined(app.data.train)
    first = {key: row for row, key in reversed(list(enumerate(row_keys(data.x))))}
    return data.take(np.sort(np.array(list(first.values()), dtype=np.int64)))


def _people_with(data: Data, person: str, min_records: int) -> list[str]:
    """List who has so many records; those without a name are of nobody."""
    names, counts = np.unique(data.columns[person].astype(str), return_counts=True)
    return [str(name) for name in names[counts >= min_records] if name]


def _names_everybody(app: Application, person: str) -> bool:
    """Tell whether the column names a person for every record, and none of them twice."""
    data = every_record(app)
    names = data.columns.get(person, np.array([""])).astype(str)
    return bool((names != "").all()) and len(np.unique(names)) == len(names)


def _check_links(answer: Ints, n: int) -> Ints:
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


def _summarise(counts: GainCounts, size: int, claims: str) -> str:
    each = "one answer" if size == 1 else f"{size} answers"
    found = counts.measure_hits("correct links", "")
    return (
        f"With {each} per person in each of two releases, {counts.successes} of {counts.n} people "
        f"are linked correctly ({percent(found.value)}, {span(found.low, found.high)}; guessing: "
        f"1 in {counts.n}). {CLAIMS[claims]}"
    )


def _measure(counts: GainCounts, links: Ints) -> tuple[Measurement, ...]:
    made = int((links >= 0).sum())
    return (
        counts.measure(METRIC, "correct links, over guessing"),
        counts.measure_hits("correct links", f"of all people; {made} were linked to a person"),
    )


def _list_caveats(size: int, claims: str) -> tuple[str, ...]:
    caveats = ["the attacker sees answers only; one who also sees inputs can link by those"]
    if size > 1:
        caveats.append(
            f"an entry holds {size} answers under one pseudonym; with single answers fewer people "
            "can be linked"
        )
    if not claims:
        caveats.append(
            "the description does not declare which grade is claimed (privacy.claims: anonymity or "
            "pseudonymity)"
        )
    return tuple(caveats)


def _show_example(links: Ints, marking: LinkageMarking) -> tuple[Exhibit, ...]:
    hits = np.flatnonzero(links == marking.deal.secret)
    if not len(hits):
        return ()
    question = marking.deal.question
    i = int(hits[0])
    label = int(question.first[i].mean(axis=0).argmax())

    def format_scores(rows: Floats) -> str:
        return ", ".join(f"{value:.4f}" for value in rows[:, label])

    return (
        Exhibit(
            title="two entries that were linked correctly",
            before=format_scores(question.first[i]),
            after=format_scores(question.second[int(links[i])]),
            note=f"scores for class {marking.app.classes[label]}",
            private=True,
        ),
    )
