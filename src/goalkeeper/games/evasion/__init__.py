"""The evasion game: change inputs so that the application answers them wrongly."""

from __future__ import annotations

from goalkeeper.games.evasion.additions import AdditionConstraint
from goalkeeper.games.evasion.game import Evasion
from goalkeeper.games.evasion.images import Grid, NormBall, PixelConstraint
from goalkeeper.games.evasion.parts import (
    AdversarialGoal,
    Constraint,
    Ending,
    EvasionQuestion,
    Submission,
)
from goalkeeper.games.evasion.spelling import list_respellings
from goalkeeper.games.evasion.synonyms import find_text_language, list_synonyms
from goalkeeper.games.evasion.tables import EntryChanges, EntryConstraint
from goalkeeper.games.evasion.text_edits import (
    EditConstraint,
    Token,
    find_words,
    rewrite_parts,
    split_parts,
)

__all__ = [
    "AdditionConstraint",
    "AdversarialGoal",
    "Constraint",
    "EditConstraint",
    "Ending",
    "EntryChanges",
    "EntryConstraint",
    "Evasion",
    "EvasionQuestion",
    "Grid",
    "NormBall",
    "PixelConstraint",
    "Submission",
    "Token",
    "find_text_language",
    "find_words",
    "list_respellings",
    "list_synonyms",
    "rewrite_parts",
    "split_parts",
]
