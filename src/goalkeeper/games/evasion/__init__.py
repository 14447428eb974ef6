"""The evasion game: change inputs so that the application answers them wrongly."""

from __future__ import annotations

from goalkeeper.games.evasion.additions import Additions
from goalkeeper.games.evasion.game import Evasion, aim_of
from goalkeeper.games.evasion.images import Ball, Grid, Pixels
from goalkeeper.games.evasion.parts import Aim, Before, Ending, Limits, Question, Submission
from goalkeeper.games.evasion.tables import Cells, Moves
from goalkeeper.games.evasion.text_edits import (
    Edits,
    Token,
    rewritten,
    spellings,
    synonyms,
    words_of,
)

__all__ = [
    "Additions",
    "Aim",
    "Ball",
    "Before",
    "Cells",
    "Edits",
    "Ending",
    "Evasion",
    "Grid",
    "Limits",
    "Moves",
    "Pixels",
    "Question",
    "Submission",
    "Token",
    "aim_of",
    "rewritten",
    "spellings",
    "synonyms",
    "words_of",
]
