"""Append the words that the attacker's own filter weighs most, without seeing any answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from goalkeeper.attacks._linear_text import GrowingText, LinearText
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.attacks.evasion._words import TextItem, WordAttack
from goalkeeper.core.access import Access
from goalkeeper.core.application import Target
from goalkeeper.core.data import Ints
from goalkeeper.core.domain import TextDomain
from goalkeeper.core.errors import NotOffered
from goalkeeper.core.power import Budget, Grade, Knowledge, Power
from goalkeeper.games.evasion import EvasionQuestion
from goalkeeper.training import SklearnTrainer


@final
@dataclass(frozen=True, kw_only=True)
class GoodWordsTransferred(WordAttack):
    """Train a filter on the attacker's own mail, and append the words that flip its answer.

    What evades one filter often evades another that was trained on similar mail. Words are
    appended until the attacker's filter is evaded, and then in growing multiples of that number,
    as the target's margin is unknown. Costs no query. An attacker who knows the family of the
    training algorithm trains that (where its weights can be read), any other TF-IDF and logistic
    regression.

    Deviations: Papernot et al. learn the substitute from answers of the target; here it learns
    from the attacker's own labelled mail. Words are chosen greedily, as Lowd and Meek do with the
    weights of the target itself.
    """

    variant = "evasion.transfer"
    reference = (
        "Papernot, McDaniel, Goodfellow 2016, Transferability in machine learning; "
        "Lowd, Meek 2005, Good word attacks on statistical spam filters, CEAS"
    )
    tasks = ("harmful-passes", "harmless-declined", "any-wrong")
    uses = Power(knowledge=Knowledge(algorithm=Grade.PARTIAL))
    most = Budget(queries=0, compute_h=1.0)
    pool: int = 500
    multiples: tuple[float, ...] = (1.0, 1.5, 2.0, 4.0, 8.0, 16.0)

    def planner(self, question: EvasionQuestion, access: Access) -> Callable[[TextItem], QueryPlan]:
        """Train once, and choose the candidates once for each aim."""
        model = LinearText.read(self._train_filter(access).parameters())
        pools: dict[bytes, Ints] = {}

        def plan(item: TextItem) -> QueryPlan:
            key = item.wanted.tobytes()
            if key not in pools:
                pools[key] = model.choose_words(item.wanted, self.pool)
            if not len(pools[key]):
                return
            growing = GrowingText(model, item.text, item.wanted, pools[key])
            words: list[str] = []
            while growing.lead <= 0 and len(words) < item.constraint.most_words:
                words.append(growing.grow())
            turned = max(1, len(words))
            for multiple in self.multiples:
                wanted = min(round(multiple * turned), item.constraint.most_words)
                while len(words) < wanted:
                    words.append(growing.grow())
                yield [item.plus(words[:wanted])]

        return plan

    def _train_filter(self, access: Access) -> Target:
        """Train the own filter; one whose weights can be read."""
        data, seed = access.data(), int(access.rng.integers(2**31))
        if access.retrainable and access.granted.knowledge.algorithm >= Grade.PARTIAL:
            target = access.trainer().fit(data, seed)
            try:
                if "vocabulary" in target.parameters():
                    return target
            except NotOffered:
                pass
        return SklearnTrainer(_build_filter(), access.classes, TextDomain()).fit(data, seed)


def _build_filter() -> object:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(), LogisticRegression(C=10, max_iter=1000))
