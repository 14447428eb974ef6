"""The membership game: tell which records the target was trained on."""

from __future__ import annotations

from goalkeeper.games.membership.game import Membership

__all__ = [
    "Membership",
]
