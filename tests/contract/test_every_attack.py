"""What every attack owes the framework; a new attack inherits these tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from goalkeeper.attacks import catalogue
from goalkeeper.testing import Check, attack_checks, worlds_of
from tests.contract.harness import KeptWorlds

# Fast settings in fair games, where no change that is allowed wins: neither more steps nor more
# training data make a difference, so the law of the wins does not depend on them.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "apgd": {"steps": 20, "targets": 1},
    "back_gradient": {"strengths": (1.0,)},
    "character_edits": {"halves": 3},
    "class_average_from_gradients": {"steps": 15, "starts": 2},
    "columns_from_labels": {"draws": 5, "starts": 2},
    "columns_from_substitute": {"questions": 100, "tries": 2},
    "gradients_from_substitute": {"questions": 100, "networks": 1},
    "pgd": {"steps": 10, "restarts": 1},
    "square": {"steps": 20},
    "substitute_from_data": {"inputs": 150, "blended": 0.0},
    "substitute_from_scores": {"inputs": 150, "blended": 0.0},
    "transferred_gradients": {"steps": 5},
}

# Attacks that train dozens of models each time they run: `make test` sees that they win their
# rigged game, `make validate` checks the rest.
SLOW = frozenset({
    "apgd", "attribute_from_own_copy", "back_gradient", "columns_from_substitute",
    "columns_transferred", "equation_solving", "family_guess", "family_guess_texts",
    "good_words_from_substitute", "gradients_from_substitute",
    "hyperparameters", "indicator_words", "insert_labelled", "label_robustness",
    "logit_differences", "neighbour_loss", "relative_likelihood",
    "shadow_likelihood", "substitute", "substitute_from_data",
    "pgd", "square", "substitute_from_scores", "tree_paths",
})  # fmt: skip


# Of several tasks on one kind of input, the first has these checks in `make test`, and all have the
# others: that an attack wins its rigged game, repeats itself and keeps its budget.
OF_ALL = ("wins-the-rigged-game", "repeats-itself", "keeps-its-budget")
OF_THE_FIRST = ("loses-the-fair-game", "refuses-in-the-plan")


class FirstTasks:
    """Tells the first task of an attack on each kind of input from the others."""

    def __init__(self, attack: str, kinds: Iterable[str]) -> None:
        self._starts = [f"{attack}-{kind}-" for kind in kinds]
        self._first: dict[str, str] = {}

    def left_to_others(self, check: str) -> bool:
        """Tell whether a check is made for the first task only, and this is another one."""
        end = next((end for end in (*OF_ALL, *OF_THE_FIRST) if check.endswith(f"-{end}")), "")
        start = next((start for start in self._starts if check.startswith(start)), "")
        if not (start and end):
            return False
        task = check.removeprefix(start).removesuffix(end)
        return self._first.setdefault(start, task) != task and end in OF_THE_FIRST


def checks() -> Iterator[Any]:
    for name, attack in catalogue().items():
        tasks = FirstTasks(name, attack.domains)
        worlds = KeptWorlds(worlds_of(attack.game))
        for check in attack_checks(attack, worlds, small=SMALL.get(name)):
            slow = name in SLOW and not check.name.endswith("wins-the-rigged-game")
            marks = [pytest.mark.validation] if slow or tasks.left_to_others(check.name) else []
            yield pytest.param(check, id=check.name, marks=marks)


@pytest.mark.parametrize("check", list(checks()))
def test_contract(check: Check) -> None:
    check()
