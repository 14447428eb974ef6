"""The contract that every part owes the framework, for plug-ins to run on their own parts.

`check_attack(MyAttack)` raises where a promise is broken, as scikit-learn's `check_estimator` does;
`attack_checks(MyAttack)` yields the checks one by one, for parametrised tests. So do the others.
"""

from goalkeeper.testing.attacks import attack_checks, check_attack
from goalkeeper.testing.contract import Breach, Check, ContractError
from goalkeeper.testing.executors import check_executor, executor_checks
from goalkeeper.testing.games import check_game, game_checks
from goalkeeper.testing.targets import check_target, target_checks
from goalkeeper.testing.worlds import GameWorlds, worlds_of

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
