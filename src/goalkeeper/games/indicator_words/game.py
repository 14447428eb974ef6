"""Indicator words: the attack ranks the words by which the model calls an input harmful."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.core.assessment import Estimate
from goalkeeper.core.data import Inputs
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.evidence import AttackResult
from goalkeeper.core.goals import Goal, Harm
from goalkeeper.core.power import Attacker, Grade, Power
from goalkeeper.core.standing import Standing
from goalkeeper.games.base import Deal, Game, Marking, Task, Unfit
from goalkeeper.games.indicator_words import marks
from goalkeeper.games.shared.constant_answers import unfit_constant
from goalkeeper.games.shared.grants import own_data, unless_it_holds_the_model
from goalkeeper.games.shared.indicators import list_common_words
from goalkeeper.games.shared.rankings import ASKED, FEWEST, Ranking, RankingAim
from goalkeeper.games.shared.simple_targets import word_rule

TASK = Task(
    name="indicator-words",
    harms=(Harm(Goal.CONFIDENTIALITY),),
    metric="normalised_gain",
    sentence="name the words by which the model distinguishes harmful inputs from harmless ones",
)


@final
@dataclass(frozen=True, kw_only=True)
class WordIndicators(Game[RankingAim, Inputs, Ranking]):
    """Question: by which words the model calls an input harmful. Answer: a ranked list of words.

    The truth is the `most` strongest of the words in use, read from the weights or measured. The
    answer lists every word that was considered, the most confident claim first. Drawing at random
    from that same list is one baseline; a ranking learnt from similar data, if the attacker has
    such data, is another.

    Parameters
    ----------
    most
        Words that count, at most.
    share
        Share of texts that a word in use is in, at least: of the texts that the attack has to count
        words in (without any, of the training texts).
    inputs
        Texts to which words are added where the weights cannot be read.
    words
        Words in use that are considered, at most: the most frequent.
    """

    name: ClassVar[str] = "indicator_words"
    family: ClassVar[str] = "internals"
    domains: ClassVar[frozenset[str]] = frozenset({"text"})

    most: int = 50
    share: float = 0.005
    inputs: int = 16
    words: int = 1500

    def tasks(self, app: Application) -> tuple[Task, ...]:
        """Name the words."""
        return (TASK,)

    def unfit(self, app: Application, task: Task) -> Unfit | None:
        """Need texts with enough words in use, and a harmless class."""
        if not isinstance(app.domain, TextDomain):
            return Unfit("indicator words can be sought in texts only")
        constant = unfit_constant(app)
        if constant is not None:
            return constant
        if app.harmless is None:
            return Unfit(
                "no class is described as the harmless one, so no word can count as an indicator "
                "of harm; name it in the description"
            )
        used = list_common_words(app.data.train.x, self.share, self.words)
        if len(used) < 4 * FEWEST:
            return Unfit(f"only {len(used)} words are in use, fewer than {4 * FEWEST}")
        return None

    def standing(self, app: Application, task: Task, attacker: Attacker) -> Standing:
        """Whoever has the model gains nothing here."""
        return unless_it_holds_the_model(attacker, "naming its words")

    def baseline_power(self, attacker: Power) -> Power:
        """Return the attacker's data, from which words are ranked without any query."""
        return own_data(attacker)

    def deal(
        self, app: Application, task: Task, rng: np.random.Generator
    ) -> Deal[RankingAim, Inputs]:
        """Draw the texts on which words may have to be measured."""
        size = min(self.inputs, len(app.data.holdout))
        rows = np.sort(rng.choice(len(app.data.holdout), size, replace=False))
        return Deal(RankingAim(self.most, self.share), app.data.holdout.x[rows])

    def mark(self, marking: Marking[RankingAim, Inputs, Ranking]) -> AttackResult:
        """Count the true indicators that were named, beside the best without access."""
        known = choose_texts(marking.app, marking.granted.knowledge.data)
        used = list_common_words(known, self.share, self.words)
        return marks.mark(marking, used, self.most)

    def weakened(self, app: Application, task: Task, rng: np.random.Generator) -> Application:
        """Use a rule on few words."""
        return replace(app, target=word_rule(app, rng))

    def smaller(self) -> WordIndicators:
        """Measure fewer words on fewer texts."""
        return replace(self, words=min(self.words, 500), inputs=min(self.inputs, 8))

    def estimate(self, app: Application, task: Task, granted: Power) -> Estimate:
        """Say what the attack may ask, and what measuring the truth asks."""
        asked = min(granted.budget.queries, ASKED)
        try:
            app.target.parameters()
        except NotOffered:
            return Estimate(queries=asked + self.words * self.inputs)
        return Estimate(queries=asked)


def choose_texts(app: Application, known: Grade) -> Inputs:
    """Return the texts `(n,)` by which words are in use: those that the attack counts words in.

    Words near the least share would otherwise count for the truth and not for the attack, or the
    other way round, by how a sample was drawn. Who has no data cannot tell, and is asked about the
    words of the training texts.
    """
    similar = app.data.similar.x
    return similar if known is Grade.PARTIAL and len(similar) else app.data.train.x
