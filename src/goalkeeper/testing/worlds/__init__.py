"""Worlds for tests: for each game, applications that attacks must win, and cannot win, against."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np

from goalkeeper.core.application import Application
from goalkeeper.games.base import Game


class GameWorlds(Protocol):
    """Two applications of a domain that prove the code of a game and of its attacks."""

    def rigged(self, domain: str, rng: np.random.Generator) -> Application:
        """Build an application of this domain that every sound attack must win against."""
        ...

    def fair(self, domain: str, rng: np.random.Generator) -> Application:
        """Build an application of this domain that no attack can win against."""
        ...


def build_rigged(
    worlds: GameWorlds, variant: str, domain: str, rng: np.random.Generator
) -> Application:
    """Build the rigged application for attacks of a variant.

    Worlds may offer `rigged_for(variant, domain, rng)`, for variants that are made for one kind of
    model and leave at once where it is absent.
    """
    special = getattr(worlds, "rigged_for", None)
    return special(variant, domain, rng) if special else worlds.rigged(domain, rng)


def worlds_of(game: type[Game[Any, Any, Any]]) -> GameWorlds:
    """Return the worlds of one of our games: the module here that is called as the game is.

    Raises
    ------
    LookupError
        The game has no worlds here; a plug-in hands in its own.
    """
    module = f"{__name__}.{game.name}"
    try:
        return cast(GameWorlds, import_module(module))
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise LookupError(
            f"goalkeeper has no worlds for the game {game.name!r}; pass a rigged and a fair one "
            "as `worlds`"
        ) from None
