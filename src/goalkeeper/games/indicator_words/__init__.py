"""Indicator words: the attack ranks the words by which the model calls an input harmful."""

from __future__ import annotations

from goalkeeper.games.indicator_words.game import WordIndicators
from goalkeeper.games.shared.rankings import Ranking, RankingAim

__all__ = [
    "Ranking",
    "RankingAim",
    "WordIndicators",
]
