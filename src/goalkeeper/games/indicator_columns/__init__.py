"""Indicator columns: the attack ranks columns by how much the model looks at them."""

from __future__ import annotations

from goalkeeper.games.indicator_columns.game import ColumnIndicators
from goalkeeper.games.shared.rankings import Ranking, RankingAim

__all__ = [
    "ColumnIndicators",
    "Ranking",
    "RankingAim",
]
