"""Replace words by synonyms, those first whose replacement helps the scores most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import final

import numpy as np

from goalkeeper.attacks.base import Unfit
from goalkeeper.attacks.evasion._edits import EditAttack, EditItem
from goalkeeper.attacks.evasion._query_plans import QueryPlan
from goalkeeper.core.application import Application
from goalkeeper.core.power import Budget
from goalkeeper.games.evasion import find_text_language, list_synonyms

TEXTS_AT_ONCE = 64  # asked in one step
SEEN = 50  # texts that show the language


@final
@dataclass(frozen=True, kw_only=True)
class WordEdits(EditAttack):
    """Query every replacement of one word by a synonym, and apply the best ones together.

    First every single replacement is asked about. Then the best one of each word is made, one
    more at a time in the order of what they gained, until the answer flips. Costs one query for
    each synonym of each word, and one for each word replaced. Synonyms come from two public
    thesauri, English and German, and from a list of shorthand; texts of another language, or
    without any of their words, cannot be changed.

    Deviations: the paper ranks words by leaving them out and takes synonyms from word vectors,
    checked by a sentence encoder; here replacements are ranked themselves, and the thesaurus
    alone keeps the meaning.
    """

    version = 2
    variant = "evasion.score"
    reference = (
        "Jin et al. 2020, Is BERT really robust? A strong baseline for natural language attack "
        "on text classification and entailment, AAAI"
    )
    most = Budget(queries=1000)

    def unfit(self, app: Application) -> Unfit | None:
        """Refuse texts of a language in which no synonyms are known."""
        if find_text_language(" ".join(text[:200] for text in app.data.similar.x[:SEEN])):
            return None
        return Unfit("synonyms are known of English and German words only, and the texts are not")

    def plan(self, item: EditItem, suspects: Collection[str]) -> QueryPlan:
        """Rank, and replace."""
        language = find_text_language(item.text)
        single = [
            (place, other)
            for place, token in item.words.items()
            for other in list_synonyms(token.word, language)
        ]
        best: dict[int, tuple[float, str]] = {}
        for start in range(0, len(single), TEXTS_AT_ONCE):
            block = single[start : start + TEXTS_AT_ONCE]
            reply = yield [item.rewrite({place: other}) for place, other in block]
            for (place, other), value in zip(block, reply.lead.tolist(), strict=True):
                if place not in best or value > best[place][0]:
                    best[place] = value, other
        order = sorted(best, key=lambda place: -np.nan_to_num(best[place][0], nan=-np.inf))
        order = order[: item.constraint.most_words]
        for size in range(2, len(order) + 1):
            changes = {place: best[place][1] for place in order[:size]}
            reply = yield [item.rewrite(changes)]
            if reply.reached[0]:
                return
