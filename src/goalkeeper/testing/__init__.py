"""The contract that every part owes the framework, for plug-ins to run on their own parts.

`check_attack(MyAttack)` raises where a promise is broken, as scikit-learn's `check_estimator` does;
`attack_checks(MyAttack)` yields the checks one by one, for parametrised tests. So do the others.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goalkeeper.testing.attacks import attack_checks, check_attack
    from goalkeeper.testing.contract import Breach, Check, ContractError
    from goalkeeper.testing.executors import check_executor, executor_checks
    from goalkeeper.testing.games import check_game, game_checks
    from goalkeeper.testing.targets import check_target, target_checks
    from goalkeeper.testing.worlds import GameWorlds, worlds_of

# Where each name lives; imported on first use, so that workers that only need `jobs` start fast.
_HOMES = {
    "Breach": "contract",
    "Check": "contract",
    "ContractError": "contract",
    "GameWorlds": "worlds",
    "attack_checks": "attacks",
    "check_attack": "attacks",
    "check_executor": "executors",
    "check_game": "games",
    "check_target": "targets",
    "executor_checks": "executors",
    "game_checks": "games",
    "target_checks": "targets",
    "worlds_of": "worlds",
}

__all__ = [
    "Breach",
    "Check",
    "ContractError",
    "GameWorlds",
    "attack_checks",
    "check_attack",
    "check_executor",
    "check_game",
    "check_target",
    "executor_checks",
    "game_checks",
    "target_checks",
    "worlds_of",
]


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    if name not in _HOMES:
        raise AttributeError(f"goalkeeper.testing has no {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
