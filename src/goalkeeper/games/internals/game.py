"""The internals game: tell what a model looks at, what kind it is, and how it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.domain import TableDomain, TextDomain
from goalkeeper.core.errors import DataError, NotOffered
from goalkeeper.core.evidence import AttackResult, Exhibit, Measurement, Status
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Power
from goalkeeper.games.base import Dealt, Game, Marking, Task, Unfit
from goalkeeper.games.extraction.substitutes import fit_without_queries
from goalkeeper.games.internals import columns, victims
from goalkeeper.games.internals.toys import plain
from goalkeeper.games.internals.victims import Choices
from goalkeeper.games.shared.indicators import Indicators, find_indicators, list_common_words
from goalkeeper.games.shared.measuring import (
    GainCounts,
    build_gain_trial,
    draw_curve,
    thinned_checkpoints,
)
from goalkeeper.games.shared.simple_targets import (
    word_rule,
)
from goalkeeper.stats import clopper_pearson, precision_at_k

FEWEST = 10  # indicators that must be there to be found


def _task(name: str, sentence: str) -> Task:
    harms = (Harm(Goal.CONFIDENTIALITY),)
    return Task(name=name, harms=harms, metric="normalised_gain", sentence=sentence)


TASK = _task(
    "indicator-words",
    "name the words by which the model tells harmful inputs from harmless ones",
)
FEATURES = _task("indicator-features", "name the columns that the model looks at most")
FAMILY = _task(victims.FAMILY, "tell of what family a model of this application's data is")
STRENGTH = _task(
    victims.STRENGTH, "tell how strongly a model of this application's data was regularised"
)


@dataclass(frozen=True, eq=False, slots=True)
class Sought:
    """What is sought: words that speak against an input; `most` of the first ones count."""

    most: int


Ranking = Sequence[str]
Ranked = Marking[Any, Any, Any]


@final
@dataclass(frozen=True, kw_only=True)
class Internals(Game["Sought | Choices", Any, Any]):
    """Question: what is hidden, and from what to choose. Answer: a ranked list, or a guess each.

    Words and columns: the truth is the `most` strongest of the words in use (in a `share` of the
    training texts at least), or the half of the columns that moves the answers most, read from the
    weights or measured. The answer lists what was considered, the surest first: who draws at random
    from that same list is the baseline, as is a ranking learnt from similar data where the attacker
    has it.

    Family and regularisation: a single application has one truth, which one guess could meet by
    luck. So the game trains `victims` models of hidden kind on the application's data, equally
    many of each, and the attack guesses each; naming the most frequent one is the baseline.
    """

    name: ClassVar[str] = "internals"
    domains: ClassVar[frozenset[str]] = frozenset({"text", "table"})
    grows: ClassVar[Mapping[str, int]] = {"victims": 24}
    most: int = 50
    share: float = 0.005
    inputs: int = 16
    words: int = 1500
    victims: int = 30

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Return what is hidden of a model of texts, or of tables."""
        if isinstance(app.domain, TextDomain):
            return TASK, STRENGTH
        return FEATURES, FAMILY, STRENGTH

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need enough to be found, and records to train the game's own victims on."""
        if task.name == TASK.name:
            return self._few_words(app)
        if task.name == FEATURES.name and isinstance(app.domain, TableDomain):
            count = len(app.domain.columns)
            if count < 2 * columns.FEWEST:
                return Unfit(
                    f"there are {count} columns, fewer than {2 * columns.FEWEST}: too few to tell "
                    "finding those that matter from guessing"
                )
            return None
        if victims.records_of(app) < victims.FEWEST_RECORDS:
            return Unfit(
                f"{len(app.data.train)} training records are too few to train models of hidden "
                f"kind on; {2 * victims.FEWEST_RECORDS} are needed"
            )
        return None

    def _few_words(self, app: Application) -> Unfit | None:
        if not isinstance(app.domain, TextDomain):
            return Unfit("indicator words can be sought in texts only")
        if app.harmless is None:
            return Unfit(
                "no class is said to be the harmless one, so that no word speaks against an "
                "input; name it in the description"
            )
        used = list_common_words(app.data.train.x, self.share, self.words)
        if len(used) < 4 * FEWEST:
            return Unfit(f"only {len(used)} words are in use, fewer than {4 * FEWEST}")
        return None

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Dealt[Sought | Choices, Any]:
        """Draw texts on which words may have to be measured, or train victims of hidden kind."""
        if task.name == FEATURES.name:
            return Dealt(Sought(self.most), None)
        if task.name != TASK.name:
            return self._deal_victims(app, task, rng)
        size = min(self.inputs, len(app.data.holdout))
        rows = np.sort(rng.choice(len(app.data.holdout), size, replace=False))
        return Dealt(Sought(self.most), app.data.holdout.x[rows])

    def _deal_victims(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Dealt[Sought | Choices, Any]:
        family = task.name == FAMILY.name
        names = victims.FAMILIES if family else tuple(f"C = {c:g}" for c in victims.STRENGTHS)
        hidden = victims.balanced(self.victims, len(names), rng)
        made = victims.of_kind(app, task.name, hidden, rng)
        question = Choices(names=names, records=victims.records_of(app))
        return Dealt(question, hidden, campaigns=len(hidden), victims=made)

    def mark(self, marking: Marking[Sought | Choices, Any, Any]) -> AttackResult:
        """Count what was found, or guessed rightly, beside the best without access."""
        if marking.task.name == FEATURES.name:
            return columns.mark(marking)
        if marking.task.name == TASK.name:
            return self._mark_words(marking)
        return victims.guesses(
            marking, "family" if marking.task.name == FAMILY.name else "regularisation"
        )

    def _mark_words(self, marking: Ranked) -> AttackResult:
        used = list_common_words(marking.app.data.train.x, self.share, self.words)
        found = find_indicators(marking.app.target, marking.app, used, marking.dealt.secret)
        ranked = found.ranked()
        k = min(self.most, len(ranked), len(used) // 4)
        if k < FEWEST:
            return AttackResult(
                status=Status.NOT_TESTED,
                reason=f"only {k} of the words in use speak for a harmful class, too few to tell "
                "finding them from guessing",
            )
        truth = ranked[:k]
        shown = thinned_checkpoints(marking.answers)
        lists = [_checked(point.answer) for point in shown]
        known = _known_before(marking, used, truth)
        hits = [_found(words, truth, known) for words in lists]
        trials = [build_gain_trial(point, f) for point, f in zip(shown, hits, strict=True)]
        return AttackResult(
            status=Status.TESTED,
            summary=_summary(hits[-1], int(shown[-1].queries[0])),
            measurements=_measurements(hits[-1], lists[-1], truth, found),
            trials=tuple(trials),
            curve=draw_curve(trials),
            caveats=_caveats(lists[-1], truth, used),
            exhibits=(_exhibit(lists[-1], ranked, k),),
        )

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Use a rule on few words or columns, plain models, or victims of the attacker's data."""
        if task.name == TASK.name:
            return replace(app, target=word_rule(app, rng))
        if task.name == FEATURES.name:
            return replace(app, target=columns.half_rule(app, rng))
        if task.name == FAMILY.name:
            return victims.peopled(app, plain(app))
        return victims.peopled(app, victims.of_attackers_data(app))

    def smaller(self) -> Internals:
        """Return the game with fewer words to measure, and fewer victims."""
        return replace(
            self,
            words=min(self.words, 500),
            inputs=min(self.inputs, 8),
            victims=min(self.victims, 24),
        )

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may spend, what measuring the truth asks, and what is trained."""
        asked = min(granted.budget.queries, 10_000)
        if task.name in (FAMILY.name, STRENGTH.name):
            return Estimate(queries=asked * self.victims, models=self.victims)
        try:
            app.target.parameters()
            measured = 0
        except NotOffered:
            measured = self.words * self.inputs if task.name == TASK.name else 0
        return Estimate(queries=asked + measured)


# ---- counting ----------------------------------------------------------------------------------


def _checked(answer: Ranking) -> list[str]:
    """Return the listed words in lower case, each once.

    Raises
    ------
    DataError
        The answer is not a list of words.
    """
    if isinstance(answer, str) or not all(isinstance(word, str) for word in answer):
        raise DataError("an answer must be a list of words, the surest first")
    return list(dict.fromkeys(word.lower() for word in answer))


def _known_before(marking: Ranked, used: Sequence[str], truth: Sequence[str]) -> int | None:
    """Count the hits of the best ranking from the attacker's own data; None without data."""
    seed = int(marking.victim.generate_state(1)[0])
    guesses = [
        find_indicators(trained, marking.app, used, marking.dealt.secret).ranked()[: len(truth)]
        for trained in fit_without_queries(marking.app, marking.granted, seed)
    ]
    return max((len(set(guess) & set(truth)) for guess in guesses), default=None)


def _found(words: Sequence[str], truth: Sequence[str], known: int | None) -> GainCounts:
    """Count hits of k, beside the better of drawing from the same list and of own data."""
    k = len(truth)
    hits = round(precision_at_k(words, truth, k) * k)
    drawn = len(set(words) & set(truth)), max(len(words), 1)
    if known is not None and known / k > drawn[0] / drawn[1]:
        return GainCounts(hits, k, known, k)
    return GainCounts(hits, k, *drawn)


# ---- what is shown -----------------------------------------------------------------------------


def _measurements(
    found: GainCounts, words: Sequence[str], truth: Sequence[str], true: Indicators
) -> tuple[Measurement, ...]:
    low, high = clopper_pearson(found.successes, found.n)
    reached = len(set(words) & set(truth))
    ends = clopper_pearson(reached, len(truth))
    base = found.baseline_successes / found.baseline_n
    return (
        found.measure(TASK.metric, "over the best without any query"),
        Measurement(
            metric=f"precision at {found.n}",
            value=found.successes / found.n,
            low=low,
            high=high,
            baseline=base,
            n=found.n,
            note=f"true indicators among the first {found.n} words; a word counts by {true.unit}",
        ),
        Measurement(
            metric="indicators among the words considered",
            value=reached / len(truth),
            low=ends.low,
            high=ends.high,
            baseline=base,
            n=len(truth),
            note="what no ranking of these words could exceed",
        ),
    )


def _summary(found: GainCounts, queries: int) -> str:
    base = found.baseline_successes / found.baseline_n
    return (
        f"after {queries:,} queries {found.successes} of the first {found.n} words named are "
        f"among the {found.n} that speak most for a harmful class; without any query "
        f"{base:.0%} of them would be"
    )


def _caveats(words: Sequence[str], truth: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
    missed = len(set(truth) - set(words))
    if not missed:
        return ()
    return (
        f"{missed} of the {len(truth)} indicators were not among the {len(words):,} words "
        f"considered; {len(used):,} are in use",
    )


def _exhibit(words: Sequence[str], ranked: Sequence[str], k: int) -> Exhibit:
    """Show the words found, each with its true rank."""
    rank = {word: i + 1 for i, word in enumerate(ranked)}
    found = [f"{word} ({rank[word]})" for word in words[:k] if rank.get(word, k + 1) <= k]
    return Exhibit(
        title="indicator words that were found, with their true rank",
        after=", ".join(found[:30]) or "none",
        note=f"{len(found)} of {k}",
    )
